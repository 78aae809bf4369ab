//! A Lambda function in Rust, as AWS documents it.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handler)).await
}

async fn handler(invocation: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = invocation.into_parts();
    if event["fail"] == true {
        return Err("asked to fail".into());
    }
    let answer = json!({ "hello": "Rust", "event": event, "request_id": context.request_id });
    Ok(json!({
        "statusCode": 200,
        "headers": { "content-type": "application/json" },
        "body": answer.to_string(),
    }))
}
