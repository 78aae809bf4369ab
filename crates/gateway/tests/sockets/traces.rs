//! What Lambda, the function and the log learn of a request's trace.

use lambridge_model::{TraceFrom, TraceSettings};

use crate::world::{Client, start};

const ID: &str = "67891233abcdef012345678912345678";
const SENT: &str =
    "traceparent: 00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01\r\ntracestate: a=1\r\n";
const XRAY: &str = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";

/// Asks with W3C's two fields; the header of the call, its event, the line of the log.
async fn ask(settings: TraceSettings, trusted: bool) -> (String, String, String) {
    let world = start(|model| {
        model.trace = settings;
        if trusted {
            model.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        }
    })
    .await;
    let mut client = Client::connect(world.address).await;
    client.send(format!("GET / HTTP/1.1\r\nhost: h\r\n{SENT}\r\n").as_bytes()).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200"));
    let call = world.lambda.requests().remove(0);
    let header = call.header("x-amzn-trace-id").unwrap_or_else(|| "-".to_owned());
    (header, call.text(), world.lines.wait_for(1).await.remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_counts_is_told_in_both_forms() {
    let anyone = TraceSettings { from: TraceFrom::Anyone, generate: true };
    for (settings, trusted) in [(TraceSettings::default(), true), (anyone, false)] {
        let (header, event, line) = ask(settings, trusted).await;
        assert_eq!(header, XRAY);
        for part in
            [&format!(r#""x-amzn-trace-id":"{XRAY}""#), "-53995c3f42cd8ad8-01\"", r#""tracestate":"a=1""#]
        {
            assert!(event.contains(part), "{part} in {event}");
        }
        assert!(line.contains(&format!(" trace_id={ID} ")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_trace_is_a_header_like_any_other() {
    let (header, event, line) = ask(TraceSettings::default(), false).await;
    assert_eq!(header, "-");
    assert!(event.contains(ID) && !event.contains("x-amzn-trace-id"), "{event}");
    assert!(!line.contains("trace_id"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_begins_here_is_ours_alone() {
    let (header, event, line) =
        ask(TraceSettings { generate: true, ..TraceSettings::default() }, false).await;
    let id = header.strip_prefix("Root=1-").expect("a root and nothing else").replace('-', "");
    assert_eq!(id.len(), 32, "{header}");
    assert!(event.contains(&format!("\"traceparent\":\"00-{id}-")), "{event}");
    assert!(!event.contains(ID) && !event.contains("tracestate"), "{event}");
    assert!(line.contains(&format!(" trace_id={id} ")), "{line}");
}
