//! A fake of Lambda's Invoke API.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::answer::Answer;
use crate::request::Request;
use crate::server::Server;

/// Answers `POST /2015-03-31/functions/NAME/invocations`, and anything else it is asked.
///
/// ```
/// use lambridge_testkit::{Answer, FakeLambda};
///
/// let lambda = FakeLambda::answering(Answer::ok("{}").header("x-amzn-RequestId", "1"));
/// lambda.push(Answer::new(429).header("x-amzn-ErrorType", "TooManyRequestsException"));
/// assert!(lambda.endpoint().starts_with("http://127.0.0.1:"));
/// ```
pub struct FakeLambda {
    server: Server,
}

impl FakeLambda {
    /// Answers every request alike.
    pub fn answering(answer: Answer) -> FakeLambda {
        FakeLambda::with(move |_| answer.clone())
    }

    /// Answers each request by a function of it.
    pub fn with(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> FakeLambda {
        let answer = Arc::new(answer);
        FakeLambda {
            server: Server::anywhere(Arc::new(move |request| {
                let answer = answer.clone();
                Box::pin(async move { answer(&request) })
            })),
        }
    }

    /// Echoes the payload.
    pub fn echo() -> FakeLambda {
        FakeLambda::with(|request| Answer::ok(request.body.clone()))
    }

    /// Queues an answer for the next request that has none yet; first in, first out.
    pub fn push(&self, answer: Answer) {
        self.server.push(answer);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://ADDRESS`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Waits until `count` requests arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Request> {
        self.server.wait_for(count).await
    }
}

impl fmt::Debug for FakeLambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeLambda({})", self.address())
    }
}
