//! The adapter's three exchanges and nothing else: take an invocation, ask the app, post what it said.
//!
//! No JSON and no base64. What a real adapter finds in the event, this one is told by `fake_runtime` in two headers,
//! `bench-method` and `bench-path`; an event of a `POST` is sent to the app as it came. It is the floor for the adapter.
//! Arguments: address of the Runtime API, address of the app (`host:port` each).

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use lambridge_benches::{Failure, connect, drain, full, run};

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(api), Some(app)) = (arguments.next(), arguments.next()) else {
        return Err("usage: floor_adapter RUNTIME_API APP".into());
    };
    run(async move {
        let mut to_api = connect(&api).await?;
        let mut to_app = connect(&app).await?;
        loop {
            exchange(&mut to_api, &api, &mut to_app, &app).await?;
        }
    })
}

type Sender = SendRequest<Full<Bytes>>;

async fn exchange(to_api: &mut Sender, api: &str, to_app: &mut Sender, app: &str) -> Result<(), Failure> {
    to_api.ready().await?;
    let next = Request::get("/2018-06-01/runtime/invocation/next").header("host", api).body(full(""))?;
    let invocation = to_api.send_request(next).await?;
    let header = |name| invocation.headers().get(name).and_then(|value| value.to_str().ok());
    let id = header("lambda-runtime-aws-request-id").ok_or("an invocation without an id")?;
    let (method, path) = (header("bench-method").unwrap_or("GET"), header("bench-path").unwrap_or("/"));
    let posted = format!("/2018-06-01/runtime/invocation/{id}/response");
    let request = Request::builder().method(method).uri(path).header("host", app);

    let event = invocation.into_body().collect().await?.to_bytes();
    let sent = if request.method_ref().is_some_and(|m| m == "POST") { event } else { Bytes::new() };
    to_app.ready().await?;
    let answer = to_app.send_request(request.body(full(sent))?).await?;
    let body = answer.into_body().collect().await?.to_bytes();

    to_api.ready().await?;
    let post = Request::post(posted).header("host", api).body(full(body))?;
    drain(to_api.send_request(post).await?.into_body()).await?;
    Ok(())
}
