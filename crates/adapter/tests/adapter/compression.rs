//! `AWS_LWA_ENABLE_COMPRESSION`: what a client gets.

use std::io::Read as _;
use std::time::Duration;

use lambridge_testkit::{Answer, Outcome};
use serde_json::Value;

use crate::answers::base64_decode;
use crate::sandbox::*;

fn compressing() -> Sandbox {
    Sandbox::with(&[("AWS_LWA_ENABLE_COMPRESSION", "true")])
}

/// A function URL's event of a client that takes `accept`.
fn event(accept: &str) -> String {
    v2("GET", "/", "", false)
        .replace(r#""headers":{"#, &format!(r#""headers":{{"accept-encoding":"{accept}","#))
}

/// Header fields, coding and decoded body of an answer.
#[track_caller]
fn decoded(outcome: &Outcome) -> (Value, Vec<u8>) {
    let posted = json(outcome);
    let text = posted["body"].as_str().unwrap();
    let body = match posted["isBase64Encoded"].as_bool() {
        Some(true) => base64_decode(text),
        _ => text.as_bytes().to_vec(),
    };
    let mut back = Vec::new();
    match posted["headers"]["content-encoding"].as_str() {
        Some("gzip") => flate2::read::GzDecoder::new(&*body).read_to_end(&mut back).unwrap(),
        Some("br") => brotli::Decompressor::new(&*body, 4096).read_to_end(&mut back).unwrap(),
        _ => return (posted["headers"].clone(), body),
    };
    (posted["headers"].clone(), back)
}

#[tokio::test]
async fn what_the_client_takes() {
    let sandbox = compressing();
    let text = "a text that is longer than thirty-two bytes\n".repeat(20);
    for (accept, coding) in [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("identity", ""),
        ("gzip;q=0", ""),
    ] {
        for answer in [
            Answer::ok(text.clone()),
            Answer::ok("").chunks(&[b"a", text.as_bytes()[1..].as_ref()], Duration::ZERO),
            Answer::ok("").until_close(text.clone()),
        ] {
            let answer = answer.header("content-type", "text/plain").header("etag", "\"v1\"");
            let (headers, body) = decoded(&sandbox.answer(&event(accept), answer).await);
            assert_eq!(body, text.as_bytes(), "{accept}");
            assert_eq!(headers["content-encoding"].as_str().unwrap_or_default(), coding, "{accept}");
            assert_eq!(headers["vary"], "accept-encoding");
            assert_eq!(headers["etag"], if coding.is_empty() { "\"v1\"" } else { "W/\"v1\"" });
            assert!(coding.is_empty() || headers.get("content-length").is_none());
        }
    }
}

#[tokio::test]
async fn what_is_left_alone() {
    let sandbox = compressing();
    let text = "a text that is longer than thirty-two bytes\n".repeat(20);
    let accept = event("gzip, br");
    let rows = [
        (Answer::ok(&text.as_bytes()[..31]), "content-type", "text/plain"),
        (Answer::ok("").chunks(&[b"short", b"er"], Duration::ZERO), "content-type", "text/plain"),
        (Answer::ok(""), "content-type", "text/plain"),
        (Answer::new(204), "content-type", "text/plain"),
        (Answer::new(304), "etag", "\"v1\""),
        (Answer::ok(text.clone()), "content-type", "image/png"),
        (Answer::ok(text.clone()), "content-type", "application/zip"),
        (Answer::ok(text.clone()), "cache-control", "no-transform"),
        (Answer::ok(text.clone()), "content-encoding", "zstd"),
        (Answer::new(206).body(text.clone()), "content-range", "bytes 0-9/100"),
    ];
    for (answer, name, value) in rows {
        let (with, without) = (
            json(&sandbox.answer(&accept, answer.clone().header(name, value)).await),
            json(&sandbox.answer(V2, answer.header(name, value)).await),
        );
        assert_eq!(with, without, "{name}: {value}");
        assert!(with["headers"].get("vary").is_none(), "{with}");
    }
    // A HEAD has no body to compress, and its length is that of the plain one.
    let head = event("gzip").replace("\"method\":\"GET\"", "\"method\":\"HEAD\"");
    let answer = json(&sandbox.answer(&head, Answer::ok(text.clone())).await);
    assert_eq!(answer["headers"]["content-length"], text.len().to_string());
    assert!(answer["headers"].get("content-encoding").is_none());
    // Who is no HTTP client accepts nothing.
    let plain = "[".to_owned() + &"1,".repeat(100) + "1]";
    assert_eq!(sandbox.answer(SQS, Answer::ok(plain.clone())).await.text(), plain);
}

#[tokio::test]
async fn answers_that_fit_only_when_compressed() {
    let sandbox = compressing();
    let large = "0123456789abcdef".repeat(600_000);
    for coding in ["gzip", "br"] {
        let (_, body) = decoded(&sandbox.answer(&event(coding), Answer::ok(large.clone())).await);
        assert!(body == large.as_bytes(), "{} bytes", body.len());
    }
    let mut seed = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    })
    .take(8_000_000)
    .collect();
    let outcome = sandbox.answer(&event("gzip"), Answer::ok(noise)).await;
    assert_eq!(status(&outcome), 502);
    sandbox.still_works().await;
}

#[tokio::test]
async fn faults_while_compressing() {
    let sandbox = compressing();
    let text = "text ".repeat(10_000);
    for answer in [
        Answer::ok(text.clone()).reset_in_body(20_000),
        Answer::ok(text.clone()).close_in_body(20_000),
        Answer::ok(text.clone()).close_in_body(1),
    ] {
        let outcome = sandbox.answer(&event("br"), answer).await;
        assert_eq!(status(&outcome), 502, "{}", outcome.text());
        sandbox.still_works().await;
    }
}

#[tokio::test]
async fn every_source_of_requests() {
    let sandbox = compressing();
    let text = "a text that is longer than thirty-two bytes\n".repeat(20);
    for event in [REST, ALB, ALB_MULTI] {
        let event = event
            .replace(r#""headers":{"#, r#""headers":{"Accept-Encoding":"gzip","#)
            .replace(r#""multiValueHeaders":{"#, r#""multiValueHeaders":{"Accept-Encoding":["gzip"],"#);
        let answer = json(&sandbox.answer(&event, Answer::ok(text.clone())).await);
        let coding = answer["headers"]["content-encoding"]
            .as_str()
            .or_else(|| answer["multiValueHeaders"]["content-encoding"][0].as_str());
        assert_eq!((coding, &answer["isBase64Encoded"]), (Some("gzip"), &Value::Bool(true)), "{answer}");
    }
}

#[tokio::test]
async fn off_unless_asked_for_and_with_streams() {
    let text = "a text that is longer than thirty-two bytes\n".repeat(20);
    let sandbox = Sandbox::new();
    let (headers, _) = decoded(&sandbox.answer(&event("gzip"), Answer::ok(text.clone())).await);
    assert!(headers.get("content-encoding").is_none() && headers.get("vary").is_none());
    let both = [("AWS_LWA_ENABLE_COMPRESSION", "true"), ("AWS_LWA_INVOKE_MODE", "response_stream")];
    let outcome = Sandbox::with(&both).answer(&event("gzip"), Answer::ok(text.clone())).await;
    assert!(outcome.text().ends_with(&text));
}

/// The head and the decoded body of a streamed answer.
fn streamed(outcome: &Outcome) -> (Value, Vec<u8>) {
    let bytes = &outcome.request.body;
    let end = bytes.windows(8).position(|w| w == [0; 8]).expect("a separator");
    let head: Value = serde_json::from_slice(&bytes[..end]).unwrap();
    let mut coded = &bytes[end + 8..];
    let mut body = Vec::new();
    match head["headers"]["content-encoding"].as_str() {
        Some("gzip") => flate2::read::GzDecoder::new(coded).read_to_end(&mut body).unwrap(),
        Some("br") => brotli::Decompressor::new(coded, 4096).read_to_end(&mut body).unwrap(),
        _ => coded.read_to_end(&mut body).unwrap(),
    };
    (head["headers"].clone(), body)
}

#[tokio::test]
async fn streams_are_compressed_where_that_is_asked_for() {
    let stream = ("AWS_LWA_INVOKE_MODE", "response_stream");
    let sandbox = Sandbox::with(&[stream, ("AWS_LWA_STREAM_COMPRESSION", "true")]);
    let text = "a text that is longer than thirty-two bytes\n".repeat(20);
    for (accept, coding) in [("gzip, br", "br"), ("gzip", "gzip"), ("identity", "")] {
        for answer in [
            Answer::ok(text.clone()),
            Answer::ok("").chunks(&[b"a", text.as_bytes()[1..].as_ref()], Duration::ZERO),
            Answer::ok("").until_close(text.clone()),
        ] {
            let answer = answer.header("content-type", "text/plain").header("etag", "\"v1\"");
            let outcome = sandbox.answer(&event(accept), answer).await;
            let (headers, body) = streamed(&outcome);
            assert_eq!(body, text.as_bytes(), "{accept}");
            assert_eq!(headers["content-encoding"].as_str().unwrap_or_default(), coding, "{accept}");
            assert_eq!(headers["vary"], "accept-encoding");
            assert_eq!(headers["etag"], if coding.is_empty() { "\"v1\"" } else { "W/\"v1\"" });
            assert!(coding.is_empty() || headers.get("content-length").is_none());
            assert!(outcome.request.trailers.is_empty());
        }
    }
    for answer in [
        Answer::ok("short"),
        Answer::new(204),
        Answer::ok(text.clone()).header("content-type", "text/event-stream"),
    ] {
        let (headers, _) = streamed(&sandbox.answer(&event("gzip"), answer).await);
        assert!(headers.get("content-encoding").is_none() && headers.get("vary").is_none(), "{headers}");
    }
    let plain = Sandbox::with(&[stream, ("AWS_LWA_ENABLE_COMPRESSION", "true")]);
    let (headers, body) = streamed(&plain.answer(&event("gzip"), Answer::ok(text.clone())).await);
    assert!(
        headers.get("content-encoding").is_none() && body == text.as_bytes(),
        "the older setting is a warning"
    );
}

/// What the application has sent so far can be read, although more is to come that never does.
#[tokio::test]
async fn a_compressed_stream_is_flushed_piece_by_piece() {
    let sandbox =
        Sandbox::with(&[("AWS_LWA_INVOKE_MODE", "response_stream"), ("AWS_LWA_STREAM_COMPRESSION", "true")]);
    sandbox.app.wait_for(1).await;
    sandbox.app.push(Answer::ok("").chunks(&[b"first", b"second"], Duration::ZERO).silence_in_body(10));
    let invocation = lambridge_testkit::Invocation::new(event("gzip")).deadline(Duration::from_millis(600));
    let outcome = sandbox.runtime.invoke(invocation).await;
    let end = outcome.request.body.windows(8).position(|w| w == [0; 8]).expect("a separator");
    let mut read = [0; 5];
    flate2::read::GzDecoder::new(&outcome.request.body[end + 8..]).read_exact(&mut read).unwrap();
    assert_eq!((&read, outcome.request.trailers.len()), (b"first", 2));
    let (_, body) = streamed(&sandbox.answer(&event("gzip"), Answer::ok("next")).await);
    assert_eq!(body, b"next");
}
