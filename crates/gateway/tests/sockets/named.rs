//! Functions that a request names itself: only those that the route allows are called.

use lambridge_model::{FunctionFrom, Model, NameSource, PathMatch, Target};

use crate::support::{get, route, talk};
use crate::world::{check, start};

/// Every route calls by a name from `source`.
fn by(source: NameSource, path: &str) -> impl FnOnce(&mut Model) {
    let path = PathMatch::Template(path.parse().unwrap());
    move |model| {
        let mut named = route("named", path);
        let allow = vec!["shop-*".to_owned(), "cart".to_owned()];
        named.target = Target::FunctionFrom(FunctionFrom { function: "f".to_owned(), source, allow });
        model.routes = vec![named];
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_path_names_it() {
    let world = start(by(NameSource::Path("name".into()), "/call/{name}")).await;
    for (path, called) in [
        ("/call/cart", "/2015-03-31/functions/cart/invocations"),
        ("/call/shop-eu%3Alive", "/2015-03-31/functions/shop-eu/invocations?Qualifier=live"),
        ("/call/shop-Case", "/2015-03-31/functions/shop-Case/invocations"),
    ] {
        assert!(get(world.address, "GET", path).await.starts_with("HTTP/1.1 200 "), "{path}");
        assert_eq!(world.lambda.requests().last().unwrap().target, called, "{path}");
    }
    let calls = world.lambda.requests().len();
    // Not allowed, no name at all, and a name that would leave the path of the call.
    for path in ["/call/secret", "/call/shop-%20", "/call/shop-..%2Fother", "/call/shop-a%0Ab"] {
        check(&world, &get(world.address, "GET", path).await, 404, "no_route").await;
    }
    assert_eq!(world.lambda.requests().len(), calls, "no call for a name that is not allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_or_the_query_names_it() {
    let world = start(by(NameSource::Header("x-function".into()), "/")).await;
    let answer =
        talk(world.address, b"GET / HTTP/1.1\r\nhost: h\r\nX-Function: cart\r\nconnection: close\r\n\r\n")
            .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(world.lambda.requests()[0].target, "/2015-03-31/functions/cart/invocations");
    check(&world, &get(world.address, "GET", "/").await, 400, "bad_request").await;

    let world = start(by(NameSource::Query("fn".into()), "/")).await;
    assert!(get(world.address, "GET", "/?a=1&fn=shop-1&fn=secret").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(world.lambda.requests()[0].target, "/2015-03-31/functions/shop-1/invocations");
    check(&world, &get(world.address, "GET", "/?fn=").await, 400, "bad_request").await;
    assert_eq!(world.lambda.requests().len(), 1);
}
