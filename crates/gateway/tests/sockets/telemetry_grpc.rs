//! OTLP over gRPC, before a collector that does as it is told: what it gets, what is sent again, and what is not.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lambridge_model::{Admin, Model, Otlp, OtlpProtocol, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::protobuf::Message;
use crate::world::{Client, PATIENCE, World, start_in};

const SOON: &[(&str, &str)] = &[("OTEL_BSP_SCHEDULE_DELAY", "20")];
/// Nothing is sent but at the end.
const LATE: &[(&str, &str)] =
    &[("OTEL_BSP_SCHEDULE_DELAY", "3600000"), ("OTEL_METRIC_EXPORT_INTERVAL", "3600000")];

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// How a call ends.
#[derive(Clone, Copy)]
enum End {
    /// With a status behind an empty message.
    Status(&'static str),
    /// With a status, and nothing else.
    Alone(&'static str),
    /// As something answers that knows nothing of gRPC.
    Http(u16),
    /// The body, a message of these bytes, is there, and its end never comes.
    Never,
}

/// A call as it came: path, head, message.
type Call = (String, HeaderMap, Vec<u8>);

/// Collects calls; the next ends as the script says, those after it well.
struct Collector {
    address: SocketAddr,
    script: Arc<Mutex<VecDeque<End>>>,
    calls: watch::Receiver<Vec<Call>>,
}

impl Collector {
    async fn start(script: &[End]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Arc<Mutex<VecDeque<End>>> = Arc::new(Mutex::new(script.iter().copied().collect()));
        let (keep, calls) = watch::channel(Vec::new());
        let (ends, keep) = (Arc::clone(&script), Arc::new(keep));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (ends, keep) = (Arc::clone(&ends), Arc::clone(&keep));
                let service = service_fn(move |request| take(request, Arc::clone(&ends), Arc::clone(&keep)));
                let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serving);
            }
        });
        Self { address, script, calls }
    }

    /// Waits until `count` calls came to this path; all of them.
    async fn wait_for(&self, path: &str, count: usize) -> Vec<Call> {
        let mut calls = self.calls.clone();
        let of = |calls: &Vec<Call>| calls.iter().filter(|call| call.0 == path).cloned().collect::<Vec<_>>();
        let enough = calls.wait_for(|calls| of(calls).len() >= count);
        of(&tokio::time::timeout(PATIENCE, enough).await.expect("the calls come").unwrap())
    }

    fn count(&self) -> usize {
        self.calls.borrow().len()
    }
}

async fn take(
    request: Request<Incoming>,
    script: Arc<Mutex<VecDeque<End>>>,
    keep: Arc<watch::Sender<Vec<Call>>>,
) -> Result<Response<Reply>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let length = u32::from_be_bytes(*body[1..].first_chunk().unwrap()) as usize;
    assert_eq!((body[0], length), (0, body.len() - 5));
    let end = script.lock().unwrap().pop_front().unwrap_or(End::Status("0"));
    keep.send_modify(|calls| calls.push((head.uri.path().to_owned(), head.headers, body[5..].to_vec())));
    let mut answer = Response::new(Reply::default());
    answer.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    match end {
        End::Status(code) => {
            let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())]);
            let message = Bytes::from_static(&[0; 5]);
            answer.body_mut().frames = VecDeque::from([Frame::data(message), Frame::trailers(trailers)]);
        }
        End::Alone(code) => {
            answer.headers_mut().insert("grpc-status", code.parse().unwrap());
        }
        End::Http(status) => *answer.status_mut() = status.try_into().unwrap(),
        End::Never => answer.body_mut().hangs = true,
    }
    Ok(answer)
}

#[derive(Default)]
struct Reply {
    frames: VecDeque<Frame<Bytes>>,
    hangs: bool,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.hangs { Poll::Pending } else { Poll::Ready(self.frames.pop_front().map(Ok)) }
    }

    fn is_end_stream(&self) -> bool {
        !self.hangs && self.frames.is_empty()
    }
}

async fn world(
    collector: &Collector,
    env: &'static [(&'static str, &'static str)],
    change: impl FnOnce(&mut Model),
) -> World {
    let endpoint = Some(format!("http://{}", collector.address));
    start_in(env, |model| {
        let headers = vec![("x-key".to_owned(), Secret::new("hush"))];
        let protocol = Some(OtlpProtocol::Grpc);
        model.telemetry = Some(Otlp { endpoint, headers, protocol, metrics: false, ..Otlp::default() });
        model.admin = Some(Admin { address: ([127, 0, 0, 1], 0).into() });
        change(model);
    })
    .await
}

async fn ask(world: &World) {
    assert!(Client::connect(world.address).await.get("/").await.ends_with("ok"));
}

/// Waits for this line among the metrics.
async fn counted(world: &World, line: &str) {
    let mut admin = Client::connect(world.gateway.admin_address().unwrap()).await;
    let counted = async { while !admin.get("/metrics").await.contains(line) {} };
    tokio::time::timeout(PATIENCE, counted).await.expect("it is counted");
}

fn span_names(message: &[u8]) -> Vec<String> {
    let resource = Message::read(message).message(1).unwrap();
    resource.message(2).unwrap().messages(2).iter().map(|span| span.text(5)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_and_metrics_come() {
    let collector = Collector::start(&[]).await;
    let often = &[("OTEL_BSP_SCHEDULE_DELAY", "20"), ("OTEL_METRIC_EXPORT_INTERVAL", "20")];
    let world = world(&collector, often, |model| model.telemetry.as_mut().unwrap().metrics = true).await;
    ask(&world).await;
    let (_, head, message) = collector.wait_for(TRACES, 1).await.remove(0);
    let fields = [("content-type", "application/grpc"), ("te", "trailers"), ("x-key", "hush")];
    for (name, value) in fields.into_iter().chain([("grpc-timeout", "10000m")]) {
        assert_eq!(head[name], value);
    }
    assert!(head["user-agent"].to_str().unwrap().starts_with("lambridge/"));
    assert_eq!(span_names(&message), ["GET", "Lambda.Invoke"]);
    let (_, _, message) = collector.wait_for(METRICS, 1).await.remove(0);
    let metrics = Message::read(&message).message(1).unwrap().message(2).unwrap().messages(2);
    assert!(metrics.iter().any(|metric| metric.text(1) == "lambridge_connections"));
    counted(&world, "lambridge_spans_total{result=\"sent\"} 1\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_come_again_does_and_nothing_else() {
    for (end, again) in [
        (End::Status("14"), true),
        (End::Alone("14"), true),
        (End::Http(503), true),
        (End::Status("3"), false),
        (End::Alone("16"), false),
        // No time is named after which there is room.
        (End::Alone("8"), false),
        (End::Http(404), false),
    ] {
        let collector = Collector::start(&[end]).await;
        let world = world(&collector, SOON, |_| ()).await;
        ask(&world).await;
        if again {
            let calls = collector.wait_for(TRACES, 2).await;
            assert_eq!(calls[0].2, calls[1].2, "the same batch again");
            counted(&world, "lambridge_spans_total{result=\"sent\"} 1\n").await;
            counted(&world, "lambridge_spans_total{result=\"failed\"} 0\n").await;
        } else {
            counted(&world, "lambridge_spans_total{result=\"failed\"} 1\n").await;
            // The next batch goes well, and is the next call.
            ask(&world).await;
            counted(&world, "lambridge_spans_total{result=\"sent\"} 1\n").await;
            assert_eq!(collector.count(), 2, "a refused batch is not sent again");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_an_end_is_given_up() {
    let collector = Collector::start(&[End::Never]).await;
    let env = &[("OTEL_BSP_SCHEDULE_DELAY", "20"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "500")];
    let world = world(&collector, env, |_| ()).await;
    ask(&world).await;
    let calls = collector.wait_for(TRACES, 2).await;
    assert_eq!(calls[0].2, calls[1].2, "the same batch again");
    counted(&world, "lambridge_spans_total{result=\"sent\"} 1\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_sends_what_waits_and_tries_once() {
    for is_well in [true, false] {
        let collector = Collector::start(&[]).await;
        if !is_well {
            collector.script.lock().unwrap().extend([End::Alone("14"); 9]);
        }
        let world = world(&collector, LATE, |model| model.telemetry.as_mut().unwrap().metrics = true).await;
        ask(&world).await;
        assert_eq!(collector.count(), 0);
        tokio::time::timeout(PATIENCE, world.gateway.drain()).await.expect("it ends");
        let (_, _, message) = collector.wait_for(TRACES, 1).await.remove(0);
        assert_eq!(span_names(&message), ["GET", "Lambda.Invoke"]);
        let (_, _, message) = collector.wait_for(METRICS, 1).await.remove(0);
        let metrics = Message::read(&message).message(1).unwrap().message(2).unwrap().messages(2);
        let requests = metrics.iter().find(|metric| metric.text(1) == "lambridge_requests_total").unwrap();
        assert_eq!(requests.message(7).unwrap().message(1).unwrap().number(6), 1);
        assert_eq!(collector.count(), 2, "nothing is sent twice at the end");
    }
}
