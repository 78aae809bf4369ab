//! The Invoke API with fixed answers in the HTTP payload 2.0.
//!
//! Any method and any path will do, so that plain proxies can be measured against the same program: a path with
//! `large` in it gets a text answer of 100 KB, one with `huge` 4 MB, every other the small one. The request body is read to its end first.
//! ListFunctions, for Upstreams that discover, finds `echo`.
//!
//! A path with `response-streaming` gets [`PIECES`] pieces, [`PAUSE`] apart, in frames as InvokeWithResponseStream has
//! them; in each stands when it was sent, for `stream` to read, whatever became of the frames on the way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::Response;
use hyper::body::{Body, Frame};
use lambridge_benches::{Failure, HUGE, LARGE, drain, json_string, run, serve, text};
use lambridge_wire::eventstream::{InvokeComplete, encode_complete, encode_payload};
use lambridge_wire::invoke::EVENT_STREAM_TYPE;
use tokio::time::Sleep;

const PIECES: usize = 50;
const PAUSE: Duration = Duration::from_millis(2);
const HEAD: &[u8] = b"{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"}}\0\0\0\0\0\0\0\0";

fn main() -> Result<(), Failure> {
    let small = payload(b"{\"hello\":\"world\"}");
    let large = payload(&text(LARGE));
    let huge = payload(&text(HUGE));
    let list = Bytes::from_static(br#"{"Functions":[{"FunctionName":"echo","Version":"$LATEST"}]}"#);
    run(serve(move |request| {
        let (small, large, huge, list) = (small.clone(), large.clone(), huge.clone(), list.clone());
        async move {
            let path = request.uri().path();
            let (kind, body) = match path {
                path if path.contains("response-streaming") => {
                    (EVENT_STREAM_TYPE, Either::Right(Stream::begin()))
                }
                path if path.trim_end_matches('/').ends_with("/functions") => whole(list),
                path if path.contains("large") => whole(large),
                path if path.contains("huge") => whole(huge),
                _ => whole(small),
            };
            drain(request.into_body()).await?;
            Ok(Response::builder().header("content-type", kind).body(body)?)
        }
    }))
}

fn whole(body: Bytes) -> (&'static str, Either<Full<Bytes>, Stream>) {
    ("application/json", Either::Left(Full::new(body)))
}

fn payload(body: &[u8]) -> Bytes {
    let body = json_string(body);
    Bytes::from(format!(
        "{{\"statusCode\":200,\"headers\":{{\"content-type\":\"text/html; charset=utf-8\",\"cache-control\":\"no-store\"}},\
         \"cookies\":[\"session=5f2c; HttpOnly\"],\"isBase64Encoded\":false,\"body\":{body}}}"
    ))
}

/// The pieces still to come.
struct Stream {
    sent: usize,
    pause: Pin<Box<Sleep>>,
}

impl Stream {
    fn begin() -> Self {
        Self { sent: 0, pause: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.sent > PIECES {
            return Poll::Ready(None);
        }
        ready!(self.pause.as_mut().poll(cx));
        let mut frame = Vec::new();
        if self.sent == PIECES {
            let end = InvokeComplete { error_code: None, error_details: None, log_result: None };
            encode_complete(&end, &mut frame).expect("an empty end is short");
        } else {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
            let mut piece = if self.sent == 0 { HEAD.to_vec() } else { Vec::new() };
            piece.extend_from_slice(format!("@{now};").as_bytes());
            encode_payload(&piece, &mut frame).expect("a piece is short");
        }
        self.sent += 1;
        let next = self.pause.deadline() + PAUSE;
        self.pause.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(frame.into()))))
    }
}
