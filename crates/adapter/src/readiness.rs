//! Waits until the application is up.
//!
//! A GET with a healthy status, or with `tcp` a connection that is accepted; every 10 ms, and more often in the first
//! tenth of a second, where quick applications come up. An attempt that hangs is given up after ten seconds.
//!
//! Source: "Readiness check" of the documentation of AWS Lambda Web Adapter, whose log line is kept as well.

use std::time::{Duration, Instant};

use http::Request;
use http::header::HOST;

use crate::app::App;
use crate::log::{Level, Log};
use crate::payload::Payload;
use crate::request::configured_target;
use crate::settings::{Protocol, Readiness};
use crate::socket::connect;

const EAGER: Duration = Duration::from_millis(2);
const STEADY: Duration = Duration::from_millis(10);
const EAGER_FOR: Duration = Duration::from_millis(100);
const ATTEMPT: Duration = Duration::from_secs(10);
const REPORT: Duration = Duration::from_secs(2);

/// Returns when the application is up. There is no other way out: the caller bounds the wait.
pub async fn wait(readiness: &Readiness, log: Log) {
    let start = Instant::now();
    let mut report = REPORT;
    let url = format!("http://{}{}", readiness.endpoint, readiness.path);
    loop {
        if tokio::time::timeout(ATTEMPT, is_up(readiness)).await.unwrap_or(false) {
            log.line(Level::Debug, "app is ready", &[("url", &url)]);
            return;
        }
        if start.elapsed() >= report {
            log.line(
                Level::Info,
                &format!("app is not ready after {}ms", report.as_millis()),
                &[("url", &url)],
            );
            report += REPORT;
        }
        tokio::time::sleep(if start.elapsed() < EAGER_FOR { EAGER } else { STEADY }).await;
    }
}

async fn is_up(readiness: &Readiness) -> bool {
    let endpoint = &readiness.endpoint;
    if readiness.protocol == Protocol::Tcp {
        return connect(endpoint).await.is_ok();
    }
    let Some(target) = configured_target(&readiness.path) else { return false };
    let mut request = Request::new(Payload::empty());
    *request.uri_mut() = target;
    request.headers_mut().insert(HOST, endpoint.authority.clone());
    let answer = App::new(endpoint.clone(), Duration::ZERO).send(request).await;
    answer.is_ok_and(|answer| readiness.healthy.contains(answer.status.as_u16()))
}
