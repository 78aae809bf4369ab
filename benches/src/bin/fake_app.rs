//! The web application behind the adapter: `/text` answers 5 MB of text, `/binary` 4 MB that are none, every other
//! path a small JSON object. Request bodies are read to their end first.

use bytes::Bytes;
use lambridge_benches::{Failure, HUGE_BINARY, HUGE_TEXT, answer, binary, drain, run, serve, text};

fn main() -> Result<(), Failure> {
    let (huge_text, huge_binary) = (Bytes::from(text(HUGE_TEXT)), Bytes::from(binary(HUGE_BINARY)));
    run(serve(move |request| {
        let (huge_text, huge_binary) = (huge_text.clone(), huge_binary.clone());
        async move {
            let (kind, body) = match request.uri().path() {
                "/text" => ("text/html; charset=utf-8", huge_text),
                "/binary" => ("image/jpeg", huge_binary),
                _ => ("application/json", Bytes::from_static(b"{\"hello\":\"world\"}")),
            };
            drain(request.into_body()).await?;
            answer(kind, body)
        }
    }))
}
