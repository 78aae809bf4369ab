//! A fake web application.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::answer::Answer;
use crate::request::Request;
use crate::server::Server;

/// A web application that does what a test says.
pub struct FakeApp {
    server: Server,
}

impl FakeApp {
    /// Answers every request alike.
    pub fn answering(answer: Answer) -> FakeApp {
        FakeApp::with(move |_| answer.clone())
    }

    /// Answers each request by a function of it.
    pub fn with(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> FakeApp {
        FakeApp::at(SocketAddr::from(([127, 0, 0, 1], 0)), answer)
    }

    /// As [`FakeApp::with`], at a given address: an app that starts late.
    pub fn at(address: SocketAddr, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> FakeApp {
        let answer = Arc::new(answer);
        FakeApp {
            server: Server::start(
                address,
                Arc::new(move |request| {
                    let answer = answer.clone();
                    Box::pin(async move { answer(&request) })
                }),
            ),
        }
    }

    /// Queues an answer for the next request; first in, first out.
    pub fn push(&self, answer: Answer) {
        self.server.push(answer);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Every request so far, readiness checks included.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// The last request so far.
    pub fn last(&self) -> Option<Request> {
        self.requests().pop()
    }

    /// Waits until `count` requests arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Request> {
        self.server.wait_for(count).await
    }
}

impl fmt::Debug for FakeApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeApp({})", self.address())
    }
}
