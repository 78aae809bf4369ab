//! Answers that reach the caller while the function still gives them.

use std::net::Ipv4Addr;
use std::time::Duration;

use lambridge_emulator::Emulator;
use lambridge_model::{Url, UrlAuth, UrlMode};
use lambridge_wire::eventstream::{Decoder, InvokeComplete, StreamItem, decode_item};

use crate::support::{House, Opened, Plan, open, plan, request, send};

const PATH: &str = "/2021-11-15/functions/f/response-streaming-invocations";

/// Reads frames as they come.
struct Frames(Opened, Decoder);

impl Frames {
    async fn next(&mut self) -> Option<StreamItem> {
        loop {
            if let Some(frame) = self.1.next_frame().unwrap() {
                return Some(decode_item(frame));
            }
            self.1.push(&self.0.next().await?.unwrap());
        }
    }

    /// The payload that is left, and how it ended.
    async fn rest(mut self) -> (String, InvokeComplete) {
        let mut text = Vec::new();
        loop {
            match self.next().await.expect("a frame that says how it ended") {
                StreamItem::Payload(bytes) => text.extend(bytes),
                StreamItem::Complete(complete) => {
                    assert_eq!(self.next().await, None);
                    return (String::from_utf8(text).unwrap(), complete);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn invoke(house: &House, headers: &[(&str, &str)], event: &str) -> Frames {
    let opened = open(house.address, request(PATH, headers, event.to_owned())).await;
    assert_eq!(opened.status, 200);
    assert_eq!(opened.headers["content-type"], "application/vnd.amazon.eventstream");
    assert_eq!(opened.headers["x-amz-executed-version"], "$LATEST");
    assert!(!opened.headers.contains_key("x-amz-function-error"));
    Frames(opened, Decoder::new())
}

fn slow(house: &House, more: &str) -> String {
    format!(r#"{{"do":"slow-stream","until":"{}","first":"one"{more}}}"#, house.path("go"))
}

#[tokio::test]
async fn pieces_come_as_they_are_given() {
    let house = plan("plain").start().await;
    let mut frames = invoke(&house, &[("x-amz-log-type", "Tail")], &slow(&house, r#","more":200000"#)).await;
    assert_eq!(frames.next().await, Some(StreamItem::Payload(b"one".to_vec())));
    std::fs::write(house.path("go"), "").unwrap();
    let (text, complete) = frames.rest().await;
    assert_eq!((text.len(), text.ends_with("xlast")), (200_004, true));
    assert_eq!((complete.error_code, complete.error_details), (None, None));
    let log = base64_simd::STANDARD.decode_to_vec(complete.log_result.unwrap()).unwrap();
    assert!(String::from_utf8(log).unwrap().starts_with("START RequestId: "));
    assert!(!house.invoke("{}").await.failed(), "the instance goes on");
}

#[tokio::test]
async fn whole_answers_come_in_frames() {
    let house = plan("plain").start().await;
    let (text, complete) = invoke(&house, &[], r#"{"a":1}"#).await.rest().await;
    assert_eq!((text.as_str(), complete), (r#"{"a": 1}"#, InvokeComplete::default()));
    let long = format!(r#""{}""#, "y".repeat(200_000));
    assert_eq!(invoke(&house, &[], &long).await.rest().await.0, long);
}

#[tokio::test]
async fn failures_are_in_the_last_frame() {
    let mut plan = plan("plain");
    plan.run.timeout = Duration::from_secs(2);
    let house = plan.start().await;
    let after = slow(&house, r#","die":true"#);
    std::fs::write(house.path("go"), "").unwrap();
    let hang = after.replace("/go", "/never").replace(",\"die\":true", "");
    for (event, text, code, details) in [
        (r#"{"do":"raise"}"#, "", "Luck", "no luck"),
        (r#"{"do":"exit","code":1}"#, "", "Runtime.ExitError", "exit status 1"),
        (r#"{"do":"broken-stream"}"#, "half", "Runtime.Half", "half"),
        (&hang, "one", "Sandbox.Timedout", "timed out after 2.00 seconds"),
    ] {
        let (found, complete) = invoke(&house, &[], event).await.rest().await;
        assert_eq!((found.as_str(), complete.error_code.as_deref()), (text, Some(code)), "{event}");
        assert!(complete.error_details.unwrap().contains(details), "{event}");
    }
    // Either is seen first: the connection that broke, or the process that ended.
    let (_, complete) = invoke(&house, &[], &after).await.rest().await;
    let code = complete.error_code.unwrap();
    assert!(["Runtime.TruncatedResponse", "Runtime.ExitError"].contains(&code.as_str()), "{code}");
}

#[tokio::test]
async fn refusals_have_a_status() {
    let house = plan("plain").start().await;
    for (path, headers, status, kind) in [
        (PATH.replace("/f/", "/g/"), &[][..], 404, "ResourceNotFoundException"),
        (PATH.to_owned(), &[("x-amz-invocation-type", "Event")], 400, "InvalidParameterValueException"),
        (PATH.to_owned(), &[("x-amz-invocation-type", "DryRun")], 204, ""),
    ] {
        let answer = house.post(&path, headers, "{}").await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, kind), "{path} {headers:?}");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away() {
    let house = plan("plain").start().await;
    let mut frames = invoke(&house, &[], &slow(&house, r#","more":10000000"#)).await;
    assert_eq!(frames.next().await, Some(StreamItem::Payload(b"one".to_vec())));
    drop(frames);
    std::fs::write(house.path("go"), "").unwrap();
    assert_eq!(house.invoke("[1]").await.body, "[1]", "the function ran to its end");
}

fn with_url() -> Plan {
    let mut plan = plan("plain");
    plan.run.url = Some(Url {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        mode: UrlMode::ResponseStream,
        auth: UrlAuth::None,
        cors: None,
    });
    plan
}

async fn ask(house: &House, target: &str, body: &str) -> Opened {
    let address = house.emulator.as_ref().map(Emulator::urls).unwrap()[0].1;
    open(address, request(target, &[("content-type", "text/plain")], body.to_owned())).await
}

#[tokio::test]
async fn a_url_streams() {
    let house = with_url().start().await;
    let head = r#"{\"statusCode\":201,\"headers\":{\"content-type\":\"a/b\"},\"cookies\":[\"a=1\",\"b=2\"]}"#;
    let nuls = "\\u0000".repeat(8);
    let event = slow(&house, r#","type":"application/vnd.awslambda.http-integration-response""#)
        .replace(r#""first":"one""#, &format!(r#""first":"{head}{nuls}one""#));
    let mut answer = ask(&house, "/stream", &event).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (201, "a/b"));
    assert_eq!(answer.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(answer.next().await.unwrap().unwrap(), "one");
    std::fs::write(house.path("go"), "").unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), "last");
    assert!(answer.next().await.is_none());

    let mut answer = ask(&house, "/stream", &slow(&house, "")).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, "text/plain"));
    assert_eq!(answer.next().await.unwrap().unwrap(), "one");
}

#[tokio::test]
async fn a_streaming_url_and_other_answers() {
    let house = with_url().start().await;
    let address = house.emulator.as_ref().map(Emulator::urls).unwrap()[0].1;
    let envelope = r#"{"statusCode": 201, "body": "x"}"#;
    let asked = request("/say", &[("content-type", "text/plain")], envelope);
    let answer = send(address, asked).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, envelope), "what is whole is passed on as it is");
    let answer = send(address, request("/raise", &[], "")).await;
    assert_eq!((answer.status, answer.body.as_str()), (502, "Internal Server Error"));
    std::fs::write(house.path("go"), "").unwrap();
    let endless = slow(&house, r#","type":"application/vnd.awslambda.http-integration-response""#)
        .replace(r#""first":"one""#, r#""first":"{\"statusCode\":201}""#);
    let answer = ask(&house, "/stream", &endless).await;
    assert_eq!(answer.status, 502, "a prelude without its end");
    let mut answer = ask(&house, "/stream", &slow(&house, r#","die":true"#)).await;
    let mut cut = false;
    while let Some(piece) = answer.next().await {
        cut = piece.is_err();
        if cut {
            break;
        }
    }
    assert!(cut, "a function that dies behind its head cuts the connection");
}
