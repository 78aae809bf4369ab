//! `AWS_LWA_WEB_FUNCTION`: what an application sees that was written for Lambda Web Functions.

use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation};

use crate::sandbox::*;

#[tokio::test]
async fn requests_and_answers() {
    let runtime = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello").header("lambda-web-request-id", "forged"));
    let mut env = env(&runtime, "127.0.0.1:1".parse().unwrap(), &[("AWS_LWA_WEB_FUNCTION", "true")]);
    // Where the application listens, not where the adapter's other settings say.
    env.push(("AWS_LAMBDA_HTTP_ENDPOINT".into(), format!("0.0.0.0:{}", app.address().port())));
    let _adapter = Adapter::start(env);
    let event = V2.replace(r#""accept":"*/*""#, r#""accept":"*/*","lambda-web-x":"1","x-real-ip":"1""#);
    let outcome = runtime.invoke(Invocation::new(event)).await;
    let posted = json(&outcome);
    assert_eq!((status(&outcome), body(&outcome).as_str()), (200, "hello"));
    let request = app.last().unwrap();
    let id = request.header("lambda-web-request-id").unwrap();
    assert_eq!(posted["headers"]["lambda-web-request-id"], id.as_str());
    assert_eq!(request.header_all("lambda-web-endpoint-name"), ["f"]);
    assert_eq!(request.header_all("x-forwarded-for"), ["203.0.113.7"]);
    for gone in ["lambda-web-x", "x-real-ip", "x-amzn-request-context", "x-amzn-lambda-context"] {
        assert_eq!(request.header(gone), None, "{gone}");
    }
    let outcome = runtime.invoke(Invocation::new(v2("PURGE", "/", "", false))).await;
    assert_eq!(status(&outcome), 400, "{}", outcome.text());
    let outcome = runtime.invoke(Invocation::new(SQS)).await;
    assert_eq!((outcome.text().as_str(), app.last().unwrap().target.as_str()), ("null", "/events"));
}
