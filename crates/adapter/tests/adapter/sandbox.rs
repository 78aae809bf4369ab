//! A sandbox to run the adapter in: a fake Runtime API, a fake application, and the adapter on a thread of its own.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use lambridge_adapter::settings::Settings;
use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation, Outcome, Request};
use tokio::sync::oneshot;

/// All three; the adapter is told to stop on drop.
pub struct Sandbox {
    pub runtime: FakeRuntime,
    pub app: FakeApp,
    pub adapter: Adapter,
}

/// The adapter on a thread of its own.
pub struct Adapter {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<ExitCode>>,
}

/// The environment that Lambda and the two fakes make.
pub fn env(runtime: &FakeRuntime, app: SocketAddr, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut env: Vec<_> = more.iter().map(|(name, value)| own(name, value)).collect();
    env.push(own("AWS_LAMBDA_RUNTIME_API", &runtime.address().to_string()));
    env.push(own("AWS_LWA_PORT", &app.port().to_string()));
    env.push(own("AWS_LAMBDA_FUNCTION_NAME", "f"));
    env.push(own("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"));
    env.push(own("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"));
    env.push(own("AWS_LAMBDA_LOG_LEVEL", "FATAL"));
    env
}

impl Adapter {
    pub fn start(env: Vec<(String, String)>) -> Adapter {
        Adapter::start_with(Settings::from_env(env.into_iter()).0)
    }

    pub fn start_with(settings: Settings) -> Adapter {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(lambridge_adapter::serve_with(settings, async {
                let _ = stopped.await;
            }))
        });
        Adapter { stop: Some(stop), thread: Some(thread) }
    }

    /// Tells it to stop, as SIGTERM does.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for its end and says how it ended.
    pub async fn ended(&mut self) -> String {
        let thread = self.thread.take().expect("it is waited for once");
        let code = tokio::task::spawn_blocking(move || thread.join()).await.unwrap();
        format!("{:?}", code.expect("the adapter does not panic"))
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the adapter does not panic");
        }
    }
}

impl Sandbox {
    /// The application answers 200 `hello` to everything.
    pub fn new() -> Sandbox {
        Sandbox::with(&[])
    }

    /// With settings.
    pub fn with(more: &[(&str, &str)]) -> Sandbox {
        let runtime = FakeRuntime::start();
        let app = FakeApp::answering(Answer::ok("hello").header("content-type", "text/plain"));
        let adapter = Adapter::start(env(&runtime, app.address(), more));
        Sandbox { runtime, app, adapter }
    }

    /// Invokes with an event and gives what was posted, and the last request that the application saw.
    pub async fn invoke(&self, event: impl Into<Vec<u8>>) -> (Outcome, Request) {
        self.deliver(Invocation::new(event)).await
    }

    /// As [`Sandbox::invoke`], once the application is known to be up and with an answer of its own.
    pub async fn answer(&self, event: &str, answer: Answer) -> Outcome {
        self.app.wait_for(1).await;
        self.app.push(answer);
        self.runtime.invoke(Invocation::new(event)).await
    }

    /// As [`Sandbox::invoke`], with other headers of `/next`.
    pub async fn deliver(&self, invocation: Invocation) -> (Outcome, Request) {
        let outcome = self.runtime.invoke(invocation).await;
        (outcome, self.app.last().expect("the readiness check came at least"))
    }

    /// The invocation after a fault works.
    pub async fn still_works(&self) {
        let (outcome, _) = self.invoke(V2).await;
        assert!(outcome.answered, "{}", outcome.text());
        assert_eq!(body(&outcome), "hello");
    }
}

/// A function URL's event.
pub const V2: &str = r#"{"version":"2.0","routeKey":"$default","rawPath":"/a%20b","rawQueryString":"x=1&x=2","cookies":["a=1","b=2"],"headers":{"host":"h.example","accept":"*/*","x-amzn-trace-id":"forged"},"requestContext":{"accountId":"anonymous","http":{"method":"GET","path":"/a b","protocol":"HTTP/1.1","sourceIp":"203.0.113.7","userAgent":"t"},"requestId":"r","stage":"$default"},"isBase64Encoded":false}"#;
/// A REST API's event.
pub const REST: &str = r#"{"resource":"/{proxy+}","path":"/a","httpMethod":"POST","headers":{"Host":"h.example","X-Twice":"2"},"multiValueHeaders":{"Host":["h.example"],"X-Twice":["1","2"]},"queryStringParameters":{"x":"2"},"multiValueQueryStringParameters":{"x":["1","2"]},"pathParameters":{"proxy":"a"},"stageVariables":null,"requestContext":{"httpMethod":"POST","requestId":"r","stage":"live","path":"/live/a"},"body":"text","isBase64Encoded":false}"#;
/// An ALB's event.
pub const ALB: &str = r#"{"requestContext":{"elb":{"targetGroupArn":"arn:x"}},"httpMethod":"GET","path":"/a","queryStringParameters":{"x":"1"},"headers":{"host":"h.example","x-once":"1"},"body":"","isBase64Encoded":false}"#;
/// An ALB's event with multi-value headers.
pub const ALB_MULTI: &str = r#"{"requestContext":{"elb":{"targetGroupArn":"arn:x"}},"httpMethod":"GET","path":"/a","multiValueQueryStringParameters":{"x":["1","2"]},"multiValueHeaders":{"host":["h.example"],"x-twice":["1","2"]},"body":"","isBase64Encoded":false}"#;
/// An event of a queue.
pub const SQS: &str = r#"{"Records":[{"messageId":"1","body":"x","eventSource":"aws:sqs"}]}"#;

/// A function URL's event with another method, path and body.
pub fn v2(method: &str, path: &str, body: &str, base64: bool) -> String {
    format!(
        r#"{{"version":"2.0","routeKey":"$default","rawPath":"{path}","rawQueryString":"","headers":{{"host":"h.example","content-length":"99"}},"requestContext":{{"http":{{"method":"{method}","path":"{path}"}}}},"body":"{body}","isBase64Encoded":{base64}}}"#
    )
}

/// The posted answer as JSON.
pub fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_slice(&outcome.request.body)
        .unwrap_or_else(|error| panic!("{error}: {}", outcome.text()))
}

/// `statusCode` of the posted answer.
pub fn status(outcome: &Outcome) -> u64 {
    json(outcome)["statusCode"].as_u64().unwrap_or_else(|| panic!("no status: {}", outcome.text()))
}

/// `body` of the posted answer.
pub fn body(outcome: &Outcome) -> String {
    json(outcome)["body"].as_str().unwrap_or_else(|| panic!("no body: {}", outcome.text())).to_owned()
}

/// Longer than anything here takes, shorter than a test run.
pub const SOON: Duration = Duration::from_secs(5);
