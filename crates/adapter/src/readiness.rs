//! Waits until the application is up.
//!
//! A GET with a healthy status, or with `tcp` a connection that is accepted; every 10 ms, and more often in the first
//! tenth of a second, where quick applications come up. An attempt that hangs is given up after ten seconds. Every two seconds
//! a line tells of the wait, and why it goes on.
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
        let asked = tokio::time::timeout(ATTEMPT, ask(readiness)).await;
        let Err(why) = asked.unwrap_or_else(|_| Err(format!("it does not answer within {ATTEMPT:?}"))) else {
            log.line(Level::Debug, "app is ready", &[("url", &url)]);
            return;
        };
        if start.elapsed() >= report {
            log.line(
                Level::Info,
                &format!("app is not ready after {}ms", report.as_millis()),
                &[("url", &url), ("reason", &why)],
            );
            report += REPORT;
        }
        tokio::time::sleep(if start.elapsed() < EAGER_FOR { EAGER } else { STEADY }).await;
    }
}

/// Whether it is up now, or why not.
async fn ask(readiness: &Readiness) -> Result<(), String> {
    let endpoint = &readiness.endpoint;
    if readiness.protocol == Protocol::Tcp {
        return connect(endpoint).await.map(drop).map_err(|error| error.to_string());
    }
    let target = configured_target(&readiness.path).ok_or("its path is none")?;
    let mut request = Request::new(Payload::empty());
    *request.uri_mut() = target;
    request.headers_mut().insert(HOST, endpoint.authority.clone());
    let answer = App::new(endpoint.clone(), Duration::ZERO).send(request).await;
    match answer.map_err(|error| error.to_string())?.status.as_u16() {
        status if readiness.healthy.contains(status) => Ok(()),
        status => Err(format!("it answers {status}")),
    }
}
