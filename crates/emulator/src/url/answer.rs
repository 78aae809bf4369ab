//! What a function answers to a request to its URL, as HTTP: whole, or as it comes.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Either;
use lambridge_event::{Format, decode_answer, decode_prelude};
use lambridge_wire::prelude::{self, Scanner, Step};

use super::HOP;
use crate::http::Answer;
use crate::stream::{Body, Cut, Frames, Next, Piece, Running, Streamed, whole};

/// Fields that a function may set, and that come out with `x-amzn-remapped-` in front.
const REMAPPED: [&str; 3] = ["connection", "content-length", "date"];

/// The answer of a stream: the head as soon as it is there, the rest behind it. `None` if it failed before, or is none.
pub(super) async fn stream(mut running: Running) -> Option<Answer> {
    let mut scanner = Scanner::new(prelude::DEFAULT_LIMIT);
    let mut begun = false;
    let (head, rest) = loop {
        match running.next().await {
            // A prelude without its end is no answer either.
            Next::Done(done) if done.outcome.failed || begun => return None,
            Next::Done(done) => return Some(typed("application/json", whole(done.outcome.payload))),
            Next::Piece(Piece::Type(Some(kind))) if kind == prelude::CONTENT_TYPE => begun = true,
            Next::Piece(Piece::Type(kind)) => {
                let kind = kind.as_deref().unwrap_or("application/octet-stream");
                return Some(typed(kind, behind(running, Bytes::new())));
            }
            Next::Piece(Piece::Data(data)) => match scanner.push(&data) {
                Step::More => {}
                Step::Done { head, used } => break (head, data.slice(used.min(data.len())..)),
                Step::NotPrelude { .. } => return None,
            },
        }
    };
    let head = decode_prelude(&head).ok()?;
    head_of(&head, behind(running, rest))
}

/// A body that goes on with `first` and then what still comes.
fn behind(running: Running, first: Bytes) -> Body {
    let (frames, body) = Streamed::new();
    tokio::spawn(async move {
        // A caller that has gone is the only one who would miss the rest.
        let _ = pump(running, first, &frames).await;
    });
    Either::Right(body)
}

async fn pump(mut running: Running, first: Bytes, frames: &Frames) -> Option<()> {
    if !first.is_empty() {
        frames.send(Ok(first)).await.ok()?;
    }
    loop {
        match running.next().await {
            Next::Piece(Piece::Type(_)) => {}
            Next::Piece(Piece::Data(data)) => frames.send(Ok(data)).await.ok()?,
            Next::Done(done) if done.outcome.failed => return frames.send(Err(Cut)).await.ok(),
            Next::Done(_) => return Some(()),
        }
    }
}

fn typed(kind: &str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    let kind =
        HeaderValue::from_str(kind).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// The answer in a payload; `None` if it is none.
pub(super) fn read(payload: &[u8]) -> Option<Answer> {
    let mut found = decode_answer(Format::HttpV2, payload).ok()?;
    let body = std::mem::take(&mut found.body).into_owned();
    head_of(&found, whole(body))
}

/// The head of what a function answered, with its body.
fn head_of(found: &lambridge_event::Answer<'_>, body: Body) -> Option<Answer> {
    // An interim status ends no request.
    let status = StatusCode::from_u16(found.status).ok().filter(|status| !status.is_informational())?;
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    for (name, value) in &found.headers {
        let name = name.to_ascii_lowercase();
        let text = std::str::from_utf8(&name).unwrap_or_default();
        let name = match text {
            text if REMAPPED.contains(&text) => HeaderName::try_from(format!("x-amzn-remapped-{text}")),
            text if HOP.contains(&text) => continue,
            text => HeaderName::try_from(text),
        };
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) else { return None };
        answer.headers_mut().append(name, value);
    }
    if !answer.headers().contains_key(header::CONTENT_TYPE) {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &str, expect: Option<(u16, &[(&str, &str)])>) {
        let found = read(payload.as_bytes());
        let found = found.map(|answer| {
            let headers = answer.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            (answer.status().as_u16(), headers.collect::<Vec<_>>())
        });
        let own = |headers: &[(&str, &str)]| {
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        assert_eq!(found, expect.map(|(status, headers)| (status, own(headers))), "{payload}");
    }

    #[test]
    fn answers() {
        let json = ("content-type", "application/json");
        check("[1]", Some((200, &[json])));
        check(r#"{"statusCode":204}"#, Some((204, &[json])));
        check(
            r#"{"statusCode":200,"headers":{"Content-Type":"a/b","Date":"d","Transfer-Encoding":"chunked"},"cookies":["a=1","b=2"]}"#,
            Some((
                200,
                &[
                    ("set-cookie", "a=1"),
                    ("set-cookie", "b=2"),
                    ("content-type", "a/b"),
                    ("x-amzn-remapped-date", "d"),
                ],
            )),
        );
        for payload in [
            "",
            "{",
            r#"{"statusCode":101}"#,
            r#"{"statusCode":"many"}"#,
            r#"{"statusCode":200,"body":{}}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#,
        ] {
            check(payload, None);
        }
    }
}
