//! What Gloo Edge's routes need of the data plane: its answer rules, and functions that are called while they are listed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lambridge_model::AnswerRule;
use lambridge_testkit::{Answer, FakeLambda};

use crate::support::{self, get, verdict};
use crate::world::{self, f};

const LIST: &str = "/2015-03-31/functions?FunctionVersion=ALL";

/// A fake Lambda that lists `names` on pages of one, and answers every call with `{}`.
fn listing(names: &Arc<Mutex<Vec<&'static str>>>) -> FakeLambda {
    let names = names.clone();
    FakeLambda::with(move |request| {
        let Some(rest) = request.target.strip_prefix(LIST) else { return Answer::ok("{}") };
        let names = names.lock().unwrap();
        let at: usize = rest.strip_prefix("&Marker=").map_or(0, |marker| marker.parse().unwrap());
        let (name, version) =
            match names.get(at).map(|name| name.split_once(':').unwrap_or((name, "$LATEST"))) {
                None => return Answer::ok(r#"{"Functions":[]}"#),
                Some(entry) => entry,
            };
        let next = if at + 1 < names.len() { format!("\"{}\"", at + 1) } else { "null".to_owned() };
        Answer::ok(format!(
            r#"{{"Functions":[{{"FunctionName":"{name}","Version":"{version}"}}],"NextMarker":{next}}}"#
        ))
    })
}

fn lists(lambda: &FakeLambda) -> usize {
    lambda.requests().iter().filter(|request| request.target.starts_with(LIST)).count()
}

fn calls(lambda: &FakeLambda) -> usize {
    lambda.requests().len() - lists(lambda)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_listed_is_called() {
    let names = Arc::new(Mutex::new(vec!["a", "f", "f:7"]));
    let world = support::start(listing(&names), |model| {
        let function = model.functions.get_mut("f").unwrap();
        function.discover = true;
        function.answer = AnswerRule::GlooApiGateway;
        let mut other = function.clone();
        other.qualifier = Some("8".into());
        model.functions.insert("f8".into(), other);
        let mut route = support::route("f8", lambridge_model::PathMatch::Prefix("/8".into()));
        route.target = lambridge_model::Target::Functions(vec![lambridge_model::Weighted {
            function: "f8".into(),
            weight: 1,
        }]);
        model.routes.push(route);
    })
    .await;
    let answer = get(world.address, "GET", "/").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n{}"), "{answer}");
    assert_eq!((lists(&world.lambda), calls(&world.lambda)), (3, 1));
    // The same list serves the other version of the function, which is not in it, and is not asked for again at once.
    for _ in 0..3 {
        assert_eq!(verdict(&get(world.address, "GET", "/8").await), (502, "not_found".into()));
    }
    assert!(get(world.address, "GET", "/").await.starts_with("HTTP/1.1 200"));
    assert_eq!((lists(&world.lambda), calls(&world.lambda)), (3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_fails_is_the_calls_failure() {
    let world =
        support::start(FakeLambda::answering(Answer::ok("{}")), |model| f(model).discover = true).await;
    let denied = Answer::new(403).header("x-amzn-ErrorType", "AccessDeniedException").body("{}");
    world.lambda.push(denied);
    for _ in 0..2 {
        assert_eq!(verdict(&get(world.address, "GET", "/").await), (502, "access_denied".into()));
    }
    assert_eq!(world.lambda.requests().len(), 1, "no call, and no second list at once");
}

/// A list outlives a reload that leaves the settings alone, and is one for all functions that share them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_survives_reloads() {
    let names = Arc::new(Mutex::new(vec!["f"]));
    let lambda = listing(&names);
    let mut model = support::model(&lambda.endpoint());
    f(&mut model).discover = true;
    f(&mut model).answer = AnswerRule::GlooAlb;
    let (surroundings, _lines) = support::surroundings();
    let gateway = lambridge_gateway::Gateway::start(model.clone(), surroundings).await.unwrap();
    let address = gateway.addresses()[0];
    assert!(get(address, "GET", "/").await.starts_with("HTTP/1.1 200"));
    f(&mut model).answer = AnswerRule::GlooApiGateway;
    gateway.reload(model).await.unwrap();
    assert!(get(gateway.addresses()[0], "GET", "/").await.starts_with("HTTP/1.1 200"));
    assert_eq!((lists(&lambda), calls(&lambda)), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_by_gloos_rules() {
    let world = world::start(|model| f(model).answer = AnswerRule::GlooApiGateway).await;
    let documented = concat!(
        r#"{"body": "gloo edge is inserting this body", "headers": {"test-header-key": "test-header-value"}, "#,
        r#""statusCode": 201}"#
    );
    world.lambda.push(Answer::ok(documented));
    let answer = get(world.address, "POST", "/").await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ngloo edge is inserting this body"), "{answer}");
    assert!(answer.contains("\r\ntest-header-key: test-header-value\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 32\r\n"), "{answer}");
    assert!(!answer.contains("content-type") && !answer.contains("x-amz"), "{answer}");

    world.lambda.push(Answer::ok("hello"));
    let answer = get(world.address, "GET", "/").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n500: failed to parse response body as JSON"), "{answer}");
    let line = world.lines.wait_for(2).await.pop().unwrap();
    assert!(line.contains(" 500 reason=malformed_answer "), "{line}");

    world.lambda.push(Answer::ok(r#"{"body":"!","isBase64Encoded":true}"#));
    assert_eq!(verdict(&get(world.address, "GET", "/").await), (502, "malformed_answer".into()));

    let failed = Answer::ok(r#"{"errorMessage":"no"}"#).header("x-amz-function-error", "Unhandled");
    world.lambda.push(failed);
    assert_eq!(verdict(&get(world.address, "GET", "/").await), (502, "function_error".into()));
}

/// The first requests wait for one list, not for one each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_requests_share_a_list() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let lambda = FakeLambda::with(move |request| {
        if !request.target.starts_with(LIST) {
            return Answer::ok("{}");
        }
        count.fetch_add(1, Ordering::Relaxed);
        Answer::ok(r#"{"Functions":[{"FunctionName":"f","Version":"$LATEST"}]}"#)
    });
    let world = support::start(lambda, |model| {
        f(model).discover = true;
        f(model).answer = AnswerRule::Raw;
    })
    .await;
    let all: Vec<_> = (0..8).map(|_| tokio::spawn(get(world.address, "GET", "/"))).collect();
    for one in all {
        assert!(one.await.unwrap().starts_with("HTTP/1.1 200"));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
