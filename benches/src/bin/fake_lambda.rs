//! The Invoke API with fixed answers in the HTTP payload 2.0.
//!
//! Any method and any path will do, so that plain proxies can be measured against the same program: a path with
//! `large` in it gets a text answer of 100 KB, every other the small one. The request body is read to its end first.

use bytes::Bytes;
use lambridge_benches::{Failure, LARGE, answer, drain, json_string, run, serve, text};

fn main() -> Result<(), Failure> {
    let small = payload(b"{\"hello\":\"world\"}");
    let large = payload(&text(LARGE));
    run(serve(move |request| {
        let (small, large) = (small.clone(), large.clone());
        async move {
            let body = if request.uri().path().contains("large") { large } else { small };
            drain(request.into_body()).await?;
            answer("application/json", body)
        }
    }))
}

fn payload(body: &[u8]) -> Bytes {
    let body = json_string(body);
    Bytes::from(format!(
        "{{\"statusCode\":200,\"headers\":{{\"content-type\":\"text/html; charset=utf-8\",\"cache-control\":\"no-store\"}},\
         \"cookies\":[\"session=5f2c; HttpOnly\"],\"isBase64Encoded\":false,\"body\":{body}}}"
    ))
}
