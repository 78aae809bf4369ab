//! A function that answers its event: the least a Runtime API client can be.
//!
//! Reads `AWS_LAMBDA_RUNTIME_API`, as Lambda's own clients do.

use http_body_util::BodyExt;
use hyper::Request;
use lambridge_benches::{Failure, connect, drain, full, run};

fn main() -> Result<(), Failure> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    run(async move {
        let mut sender = connect(&api).await?;
        loop {
            sender.ready().await?;
            let next =
                Request::get("/2018-06-01/runtime/invocation/next").header("host", &api).body(full(""))?;
            let invocation = sender.send_request(next).await?;
            let id = invocation
                .headers()
                .get("lambda-runtime-aws-request-id")
                .and_then(|value| value.to_str().ok())
                .ok_or("an invocation without an id")?;
            let path = format!("/2018-06-01/runtime/invocation/{id}/response");
            let event = invocation.into_body().collect().await?.to_bytes();
            sender.ready().await?;
            let post = Request::post(path).header("host", &api).body(full(event))?;
            drain(sender.send_request(post).await?.into_body()).await?;
        }
    })
}
