//! Fakes to test against: a dev-dependency only.
//!
//! * [`FakeLambda`]: Lambda's Invoke API
//! * [`FakeRuntime`]: the Runtime and Extensions API that a sandbox offers
//! * [`FakeApp`]: a web application
//!
//! All three speak HTTP/1.1 by hand over a plain socket, because a fake must be able to do what a good server never
//! does: reset the connection before it reads, in the middle of a head or of a body, or answer with garbage. Each
//! listens on a free loopback port, on a thread of its own (so that it serves async and blocking tests alike), records
//! every request, and ends when it is dropped.

mod answer;
mod app;
pub mod frames;
mod lambda;
mod request;
mod runtime;
mod server;

pub use answer::Answer;
pub use app::FakeApp;
pub use lambda::FakeLambda;
pub use request::Request;
pub use runtime::{FakeRuntime, Invocation, Outcome};
