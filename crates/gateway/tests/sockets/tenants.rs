//! The tenant of a call: from where the configuration says, and from nowhere else.

use lambridge_model::{PathMatch, TenantId};

use crate::support::{get, route, talk};
use crate::world::{World, check, f, start};

/// What Lambda was told with the last call.
fn told(world: &World) -> Option<String> {
    world.lambda.requests().last().unwrap().header("x-amz-tenant-id")
}

async fn with(world: &World, headers: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nhost: h\r\n{headers}connection: close\r\n\r\n");
    talk(world.address, request.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_names_it() {
    let world = start(|model| f(model).tenant_id = Some(TenantId::Header("x-tenant".into()))).await;
    for (headers, tenant) in [
        ("X-Tenant: blue\r\n", "blue"),
        ("x-tenant:  a.b/c@d e \r\n", "a.b/c@d e"),
        ("x-tenant: blue\r\nX-Amz-Tenant-Id: red\r\n", "blue"),
    ] {
        assert!(with(&world, headers).await.starts_with("HTTP/1.1 200 "), "{headers}");
        assert_eq!(told(&world).as_deref(), Some(tenant));
        let event = world.lambda.requests().last().unwrap().text();
        assert!(!event.to_lowercase().contains("x-amz-tenant-id"), "{event}");
    }
    let calls = world.lambda.requests().len();
    for headers in [
        "",
        "X-Amz-Tenant-Id: blue\r\n",
        "x-tenant:\r\n",
        "x-tenant: a!b\r\n",
        "x-tenant: caf\u{e9}\r\n",
        "x-tenant: blue\r\nx-tenant: red\r\n",
    ] {
        check(&world, &with(&world, headers).await, 400, "bad_request").await;
    }
    assert_eq!(world.lambda.requests().len(), calls, "no call without a tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_path_or_the_configuration_names_it() {
    let world = start(|model| {
        f(model).tenant_id = Some(TenantId::Path("tenant".into()));
        model.routes = vec![route("tenants", PathMatch::Template("/t/{tenant}".parse().unwrap()))];
    })
    .await;
    assert!(get(world.address, "GET", "/t/a%20b").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(told(&world).as_deref(), Some("a b"));
    for path in ["/t/%20", "/t/a%0d%0ab", "/t/%ff"] {
        check(&world, &get(world.address, "GET", path).await, 400, "bad_request").await;
    }

    let mut without = world.model.clone();
    without.routes = vec![route("other", PathMatch::Template("/o/{id}".parse().unwrap()))];
    let problems = lambridge_gateway::check(&without);
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(said, ["route `other`: its path has no `{tenant}`, where function `f` finds its tenant"]);

    let world = start(|model| f(model).tenant_id = Some(TenantId::Value("shop".into()))).await;
    assert!(with(&world, "x-amz-tenant-id: red\r\n").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(told(&world).as_deref(), Some("shop"));

    let world = start(|_| {}).await;
    assert!(with(&world, "x-amz-tenant-id: red\r\n").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(told(&world), None);
}
