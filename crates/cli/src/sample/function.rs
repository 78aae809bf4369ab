//! The sample's plain function: a Runtime API client of a few lines, without a web server.

use std::process::ExitCode;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use lambridge_wire::limits;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::gateway::exit;

pub fn run() -> ExitCode {
    let Ok(address) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return exit(Err("AWS_LAMBDA_RUNTIME_API is not set; the emulator starts this program".to_owned()));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    exit(match runtime {
        Ok(runtime) => runtime.block_on(serve(&address)),
        Err(error) => Err(error.to_string()),
    })
}

async fn serve(address: &str) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(|error| text(&error))?;
    let (mut runtime, connection) =
        http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
    tokio::spawn(connection);
    let request = |method: &str, path: String, body: Vec<u8>| {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, address)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())
    };
    loop {
        let next = request("GET", "/2018-06-01/runtime/invocation/next".to_owned(), Vec::new())?;
        let next = runtime.send_request(next).await.map_err(|error| text(&error))?;
        let id = next.headers().get("lambda-runtime-aws-request-id").and_then(|id| id.to_str().ok());
        let id = id.ok_or("an invocation without an id")?.to_owned();
        let body = http_body_util::Limited::new(next.into_body(), limits::SYNC_PAYLOAD);
        let event = body.collect().await.map_err(|error| text(&error))?.to_bytes();
        let (outcome, body) = match handle(&event) {
            Ok(answer) => ("response", answer),
            Err(error) => ("error", error),
        };
        let path = format!("/2018-06-01/runtime/invocation/{id}/{outcome}");
        let done = runtime.send_request(request("POST", path, body.to_string().into_bytes())?).await;
        done.map_err(|error| text(&error))?.into_body().collect().await.map_err(|error| text(&error))?;
    }
}

/// Greets whoever the path names; `/fail` shows what a function error looks like from outside.
fn handle(event: &[u8]) -> Result<Value, Value> {
    let event: Value = serde_json::from_slice(event)
        .map_err(|error| json!({ "errorType": "BadEvent", "errorMessage": error.to_string() }))?;
    if event["rawPath"] == "/fail" {
        return Err(json!({ "errorType": "SampleError", "errorMessage": "asked to fail" }));
    }
    let name = event["pathParameters"]["name"].as_str().unwrap_or("world");
    let body = json!({ "hello": name, "method": event["requestContext"]["http"]["method"] });
    Ok(json!({
        "statusCode": 200,
        "headers": { "content-type": "application/json" },
        "body": body.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::handle;

    #[test]
    fn greets_and_fails() {
        let answer = handle(br#"{"rawPath":"/hello/ada","pathParameters":{"name":"ada"}}"#).unwrap();
        assert_eq!(answer["statusCode"], 200);
        assert!(answer["body"].as_str().unwrap().contains("\"hello\":\"ada\""));
        assert_eq!(handle(br#"{"rawPath":"/fail"}"#).unwrap_err()["errorType"], "SampleError");
        assert_eq!(handle(b"no").unwrap_err()["errorType"], "BadEvent");
    }
}
