//! What a collector gets, and that no request waits for it. Metrics, and that all of it is OTLP, are for the tests with
//! OpenTelemetry's own types.

use std::collections::BTreeMap;

use lambridge_model::{FunctionFrom, Model, NameSource, Otlp, PathMatch, Percent, Secret, Target, Upstream};
use lambridge_testkit::{Answer, FakeApp, FakeLambda};

use crate::protobuf::Message;
use crate::support::route;
use crate::world::{Client, PATIENCE, World, start_in};

/// Spans come soon.
const SOON: &[(&str, &str)] = &[("OTEL_BSP_SCHEDULE_DELAY", "20"), ("OTEL_SERVICE_NAME", "edge")];

fn to(collector: &FakeLambda) -> impl FnOnce(&mut Model) + use<> {
    let endpoint = Some(collector.endpoint());
    move |model| {
        let headers = vec![("x-key".to_owned(), Secret::new("hush"))];
        model.telemetry = Some(Otlp { endpoint, headers, metrics: false, ..Otlp::default() });
    }
}

fn collector() -> FakeLambda {
    FakeLambda::answering(Answer::new(200))
}

/// What the collector has been sent so far, at this path.
fn bodies(collector: &FakeLambda, path: &str) -> Vec<Vec<u8>> {
    let requests = collector.requests().into_iter().filter(|request| request.target == path);
    requests
        .inspect(|request| {
            assert_eq!(request.header("content-type").as_deref(), Some("application/x-protobuf"));
        })
        .map(|request| request.body)
        .collect()
}

/// A span, by the numbers of `trace.proto`.
struct Span(Message);

impl Span {
    fn trace_id(&self) -> Vec<u8> {
        self.0.bytes(1)
    }

    fn id(&self) -> Vec<u8> {
        self.0.bytes(2)
    }

    fn parent(&self) -> Vec<u8> {
        self.0.bytes(4)
    }

    fn name(&self) -> String {
        self.0.text(5)
    }

    /// 2 for a server's, 3 for a client's.
    fn kind(&self) -> u64 {
        self.0.number(6)
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        attributes(self.0.messages(9))
    }

    fn is_error(&self) -> bool {
        self.0.message(15).is_some_and(|status| status.number(3) == 2)
    }
}

/// Waits for so many spans; all there are.
async fn spans(collector: &FakeLambda, count: usize) -> Vec<Span> {
    let found = async {
        loop {
            let requests = collector.requests().len();
            let mut spans = Vec::new();
            for body in bodies(collector, "/v1/traces") {
                for resource in Message::read(&body).messages(1) {
                    let says = attributes(resource.message(1).unwrap().messages(1));
                    assert_eq!(says["service.name"], "edge");
                    for scope in resource.messages(2) {
                        assert_eq!(scope.message(1).unwrap().text(1), "lambridge");
                        spans.extend(scope.messages(2).into_iter().map(Span));
                    }
                }
            }
            if spans.len() >= count {
                return spans;
            }
            collector.wait_for(requests + 1).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("the spans come")
}

fn attributes(pairs: Vec<Message>) -> BTreeMap<String, String> {
    let shown = |pair: &Message| {
        let value = pair.message(2).unwrap();
        let text = value.text(1);
        if text.is_empty() { value.number(3).to_string() } else { text }
    };
    pairs.iter().map(|pair| (pair.text(1), shown(pair))).collect()
}

async fn get(world: &World, path: &str, fields: &str) -> String {
    let mut client = Client::connect(world.address).await;
    client
        .send(
            format!("GET {path} HTTP/1.1\r\nhost: shop.example:80\r\nuser-agent: test\r\n{fields}\r\n")
                .as_bytes(),
        )
        .await;
    client.answer().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_gives_two_spans() {
    let collector = collector();
    let world = start_in(SOON, |model| {
        to(&collector)(model);
        model.routes[0].matcher.path = PathMatch::Template("/{a}".parse().unwrap());
    })
    .await;
    assert!(get(&world, "/x?q=1", "").await.ends_with("ok"));
    let spans = spans(&collector, 2).await;
    let [server, call] = &spans[..] else { panic!("{} spans", spans.len()) };
    assert_eq!((server.kind(), call.kind()), (2, 3));
    assert_eq!((&*server.name(), &*call.name()), ("GET /{a}", "Lambda.Invoke"));
    assert_eq!(server.trace_id(), call.trace_id());
    assert_eq!(call.parent(), server.id());
    assert!(server.parent().is_empty());
    let times = [server.0.number(7), call.0.number(7), call.0.number(8), server.0.number(8)];
    assert!(times.is_sorted(), "{times:?}");
    let says = server.attributes();
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/{a}"),
        ("url.path", "/x"),
        ("url.query", "q=1"),
        ("url.scheme", "http"),
        ("server.address", "shop.example"),
        ("client.address", "127.0.0.1"),
        ("user_agent.original", "test"),
        ("network.protocol.version", "1.1"),
        ("lambridge.route", "all"),
    ] {
        assert_eq!(says.get(name).map(String::as_str), Some(value), "{name}");
    }
    let says = call.attributes();
    for (name, value) in [
        ("rpc.system", "aws-api"),
        ("rpc.service", "Lambda"),
        ("faas.invoked_name", "f"),
        ("faas.invoked_provider", "aws"),
        ("faas.invoked_region", "us-east-1"),
        ("aws.request_id", "aws-1"),
    ] {
        assert_eq!(says.get(name).map(String::as_str), Some(value), "{name}");
    }
    // The function is told that it is called from within the second.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (trace, span) = (hex(&call.trace_id()), hex(&call.id()));
    let invoke = world.lambda.requests().remove(0);
    let told = format!("Root=1-{}-{};Parent={span};Sampled=1", &trace[..8], &trace[8..]);
    assert_eq!(invoke.header("x-amzn-trace-id"), Some(told));
    assert!(
        invoke.text().contains(&format!("\"traceparent\":\"00-{trace}-{span}-01\"")),
        "{}",
        invoke.text()
    );
    assert_eq!(collector.requests()[0].header("x-key").as_deref(), Some("hush"));
    assert!(world.lines.wait_for(1).await[0].contains(&trace), "the log has the same trace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_errors_and_no_call_is_no_span() {
    let collector = collector();
    let world = start_in(SOON, |model| {
        to(&collector)(model);
        model.routes[0].matcher.path = PathMatch::Prefix("/f".into());
    })
    .await;
    get(&world, "/nowhere", "").await;
    world.lambda.push(Answer::ok("{}").header("x-amz-function-error", "Unhandled"));
    get(&world, "/f", "").await;
    let spans = spans(&collector, 3).await;
    let shown: Vec<(String, Option<String>, bool)> = spans
        .iter()
        .map(|span| {
            let error = span.attributes().get("error.type").cloned();
            (span.name(), error, span.is_error())
        })
        .collect();
    let failed = Some("function_error".to_owned());
    let expect = [
        ("GET".to_owned(), None, false),
        ("GET".to_owned(), failed.clone(), true),
        ("Lambda.Invoke".to_owned(), failed, true),
    ];
    assert_eq!(shown, expect);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_name_what_was_called_and_no_secret() {
    let (collector, app) = (collector(), FakeApp::answering(Answer::new(204)));
    let world = start_in(SOON, |model| {
        to(&collector)(model);
        let named = PathMatch::Template("/call/{name}".parse().unwrap());
        let mut named = route("named", named);
        let (function, allow) = ("f".to_owned(), vec!["*".to_owned()]);
        let source = NameSource::Path("name".into());
        named.target = Target::FunctionFrom(FunctionFrom { function, source, allow });
        let mut service = route("service", PathMatch::Prefix("/app".into()));
        service.target = Target::Upstream(Upstream::new(format!("http://{}", app.address())));
        model.routes = vec![named, service];
    })
    .await;
    let named = "/call/arn:aws:lambda:eu-west-1:123456789012:function:cart:live";
    assert!(get(&world, named, "").await.ends_with("ok"));
    assert!(get(&world, "/app?token=hush&a=1", "").await.starts_with("HTTP/1.1 204 "));
    let spans = spans(&collector, 4).await;
    let says: Vec<_> = spans.iter().map(Span::attributes).collect();
    let check = |says: &BTreeMap<String, String>, name: &str, value: &str| {
        assert_eq!(says.get(name).map(String::as_str), Some(value), "{name}");
    };
    check(&says[1], "faas.invoked_name", "cart");
    check(&says[1], "cloud.region", "us-east-1");
    check(&says[2], "url.query", "token=REDACTED&a=1");
    check(&says[2], "server.port", "80");
    check(&says[3], "url.full", &format!("http://{}/app?token=REDACTED&a=1", app.address()));
    check(&says[3], "server.address", "127.0.0.1");
    check(&says[3], "server.port", &app.address().port().to_string());
    check(&says[3], "http.response.status_code", "204");
    assert_eq!(spans[3].name(), "GET");
    let lines = world.lines.wait_for(2).await;
    assert!(
        lines[0].contains(" invoked=arn:aws:lambda:eu-west-1:123456789012:function:cart:live "),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(&format!(" upstream=http://{} ", app.address())), "{}", lines[1]);
    assert!(lines[1].contains(" /app?token=REDACTED&a=1 204 "), "{}", lines[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_with_a_trace_has_decided() {
    let collector = collector();
    let world = start_in(SOON, |model| {
        to(&collector)(model);
        model.telemetry.as_mut().unwrap().sample = Some(Percent::new(0));
        model.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let id = "67891233abcdef012345678912345678";
    let parent = |flags: &str| format!("traceparent: 00-{id}-53995c3f42cd8ad8-{flags}\r\n");
    get(&world, "/none", "").await;
    get(&world, "/no", &parent("00")).await;
    get(
        &world,
        "/yes",
        &format!("{}x-amzn-trace-id: Root=1-67891233-abcdef012345678912345678;Lineage=a:1\r\n", parent("01")),
    )
    .await;
    let spans = spans(&collector, 2).await;
    assert_eq!(spans.len(), 2, "only the third request is recorded");
    assert_eq!(spans[0].parent(), 0x5399_5c3f_42cd_8ad8_u64.to_be_bytes());
    assert_eq!(spans[0].attributes()["url.path"], "/yes");
    let told: Vec<Option<String>> =
        world.lambda.requests().iter().map(|call| call.header("x-amzn-trace-id")).collect();
    assert_eq!(told[0], None);
    assert!(told[1].as_ref().unwrap().ends_with(";Parent=53995c3f42cd8ad8;Sampled=0"), "{told:?}");
    assert!(told[2].as_ref().unwrap().ends_with(";Sampled=1;Lineage=a:1"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_gone_or_silent_holds_no_request_up() {
    let silent = FakeLambda::answering(Answer::silence());
    for endpoint in ["http://127.0.0.1:9".to_owned(), silent.endpoint()] {
        let world = start_in(SOON, |model| {
            model.telemetry = Some(Otlp { endpoint: Some(endpoint), ..Otlp::default() });
        })
        .await;
        for _ in 0..20 {
            assert!(get(&world, "/", "").await.ends_with("ok"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_sent_before_the_gateway_ends() {
    let collector = collector();
    let world =
        start_in(&[("OTEL_BSP_SCHEDULE_DELAY", "3600000"), ("OTEL_SERVICE_NAME", "edge")], to(&collector))
            .await;
    assert!(get(&world, "/", "").await.ends_with("ok"));
    tokio::time::timeout(PATIENCE, world.gateway.drain()).await.expect("it ends");
    assert_eq!(spans(&collector, 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_batch_is_counted_and_one_that_may_come_again_does() {
    let collector = collector();
    collector.push(Answer::new(503));
    let world = start_in(SOON, |model| {
        to(&collector)(model);
        model.admin = Some(lambridge_model::Admin { address: ([127, 0, 0, 1], 0).into() });
    })
    .await;
    get(&world, "/", "").await;
    collector.wait_for(2).await;
    let bodies = bodies(&collector, "/v1/traces");
    assert_eq!(bodies[0], bodies[1], "the same batch again");
    collector.push(Answer::new(400));
    get(&world, "/", "").await;
    let mut admin = Client::connect(world.gateway.admin_address().unwrap()).await;
    let counted = async {
        while !admin.get("/metrics").await.contains("lambridge_spans_total{result=\"failed\"} 1\n") {}
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the failure is counted");
    assert_eq!(collector.requests().len(), 3, "a refused batch is not sent again");
}
