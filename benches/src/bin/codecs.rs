//! Timing loops over the event codecs, pure and on one thread: nanoseconds a call and megabytes a second.
//!
//! Each case runs for about 50 ms five times; the table shows the middle run. Bodies are 1 KB, 100 KB and 4 MB, as text
//! and as bytes that need base64. Throughput counts the body's bytes, not the event's.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant};

use lambridge_benches::{Failure, binary, text};
use lambridge_event::{Answer, Context, Format, Kind, Request};

const SIZES: [(&str, usize); 3] = [("1 KB", 1024), ("100 KB", 100 * 1024), ("4 MB", 4 * 1024 * 1024)];
const FORMATS: [(Format, Kind); 4] = [
    (Format::HttpV2, Kind::HttpV2),
    (Format::RestV1, Kind::RestV1),
    (Format::AlbMultiValue, Kind::AlbMultiValue),
    (Format::LatticeV2, Kind::LatticeV2),
];

fn main() -> Result<(), Failure> {
    heading();
    for (size, length) in SIZES {
        for (content, kind, body) in [
            ("text", &b"text/html; charset=utf-8"[..], text(length)),
            ("binary", b"image/jpeg", binary(length)),
        ] {
            for (format, source) in FORMATS {
                let case = format!("{} {content} {size}", format.name());
                one(&case, format, source, kind, &body)?;
            }
        }
    }
    Ok(())
}

fn one(case: &str, format: Format, source: Kind, content_type: &[u8], body: &[u8]) -> Result<(), Failure> {
    let headers: [(&[u8], &[u8]); 5] = [
        (b"host", b"api.example.com"),
        (b"accept", b"text/html,application/json;q=0.9,*/*;q=0.8"),
        (b"content-type", content_type),
        (b"cookie", b"session=5f2c; theme=dark"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ];
    let request = Request { method: "POST", path: "/users/42", query: "a=1&b=two", headers: &headers, body };
    let context = context();
    let mut event = Vec::new();
    lambridge_event::encode_request(format, &request, &context, &mut event);
    let answer = Answer {
        status: 200,
        headers: vec![
            (Cow::Borrowed(b"content-type"), Cow::Borrowed(content_type)),
            (Cow::Borrowed(b"cache-control"), Cow::Borrowed(b"no-store")),
            (Cow::Borrowed(b"set-cookie"), Cow::Borrowed(b"session=5f2c; HttpOnly")),
        ],
        body: Cow::Borrowed(body),
    };
    let mut payload = Vec::new();
    lambridge_event::encode_answer(source, &answer, &mut payload);
    lambridge_event::decode_request(&event)?;
    lambridge_event::decode_answer(format, &payload)?;

    let mut out = Vec::with_capacity(event.len());
    let encode_request = time(|| {
        out.clear();
        lambridge_event::encode_request(format, black_box(&request), &context, &mut out);
        black_box(out.len());
    });
    let decode_request = time(|| drop(black_box(lambridge_event::decode_request(black_box(&event)))));
    let encode_answer = time(|| {
        out.clear();
        lambridge_event::encode_answer(source, black_box(&answer), &mut out);
        black_box(out.len());
    });
    let decode_answer = time(|| drop(black_box(lambridge_event::decode_answer(format, black_box(&payload)))));
    row(case, body.len(), [encode_request, decode_request, encode_answer, decode_answer]);
    Ok(())
}

fn context() -> Context<'static> {
    Context {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        time_ms: 1_773_342_238_390,
        source_ip: "203.0.113.7",
        protocol: "HTTP/1.1",
        domain_name: "api.example.com",
        account_id: "anonymous",
        region: "us-east-1",
        api_id: "api",
        stage: "$default",
        resource: Some("/users/{id}"),
        path_parameters: &[("id", "42")],
        binary_media_types: None,
        target_group_arn: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/bench/49e9d65c45c6791a",
    }
}

/// Nanoseconds a call: the middle of five runs.
fn time(mut call: impl FnMut()) -> f64 {
    let first = Instant::now();
    call();
    let once = first.elapsed().max(Duration::from_nanos(20));
    let calls = (Duration::from_millis(50).as_nanos() / once.as_nanos()).clamp(3, 1_000_000) as u32;
    let mut runs = [0.0; 5];
    for run in &mut runs {
        let started = Instant::now();
        for _ in 0..calls {
            call();
        }
        *run = started.elapsed().as_nanos() as f64 / f64::from(calls);
    }
    runs.sort_by(f64::total_cmp);
    runs[2]
}

#[expect(clippy::print_stdout, reason = "its table is its output")]
fn heading() {
    println!("| case | encode request | decode request | encode answer | decode answer |");
    println!("| --- | ---: | ---: | ---: | ---: |");
}

#[expect(clippy::print_stdout, reason = "its table is its output")]
fn row(case: &str, bytes: usize, nanoseconds: [f64; 4]) {
    let cell = |ns: f64| {
        let speed = bytes as f64 * 1000.0 / ns;
        if ns < 100_000.0 {
            format!("{ns:.0} ns ({speed:.0} MB/s)")
        } else {
            format!("{:.2} ms ({speed:.0} MB/s)", ns / 1e6)
        }
    };
    let [a, b, c, d] = nanoseconds.map(cell);
    println!("| {case} | {a} | {b} | {c} | {d} |");
}
