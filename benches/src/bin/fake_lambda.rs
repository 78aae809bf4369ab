//! The Invoke API with fixed answers in the HTTP payload 2.0.
//!
//! Any method and any path will do, so that plain proxies can be measured against the same program: a path with
//! `large` in it gets a text answer of 100 KB, every other the small one. The request body is read to its end first.
//! ListFunctions, for Upstreams that discover, finds `echo`.

use bytes::Bytes;
use lambridge_benches::{Failure, LARGE, answer, drain, json_string, run, serve, text};

fn main() -> Result<(), Failure> {
    let small = payload(b"{\"hello\":\"world\"}");
    let large = payload(&text(LARGE));
    let list = Bytes::from_static(br#"{"Functions":[{"FunctionName":"echo","Version":"$LATEST"}]}"#);
    run(serve(move |request| {
        let (small, large, list) = (small.clone(), large.clone(), list.clone());
        async move {
            let body = match request.uri().path() {
                path if path.trim_end_matches('/').ends_with("/functions") => list,
                path if path.contains("large") => large,
                _ => small,
            };
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
