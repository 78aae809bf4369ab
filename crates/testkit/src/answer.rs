//! What a fake answers, faults included.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Mutex, Notify};

/// An answer, or a way not to give one.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) delay: Duration,
    pub(crate) held: Option<Arc<Notify>>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Body,
    pub(crate) close: bool,
    pub(crate) fault: Fault,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// With `Content-Length`.
    Sized(Vec<u8>),
    /// `Transfer-Encoding: chunked`, one entry a chunk, a pause after each.
    Chunks(Vec<Vec<u8>>, Duration),
    /// The same, when the test says so.
    Live(Arc<Mutex<Receiver<Vec<u8>>>>),
    /// Ends with the connection.
    UntilClose(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: the answer goes out whole.
    None,
    /// Reset as soon as bytes arrive, none of them read.
    ResetUnread,
    /// Reset after the whole request was read, nothing answered.
    ResetRead,
    /// Close after the whole request was read, nothing answered.
    CloseRead,
    /// Only so many bytes of the rendered answer, then a reset.
    ResetAfter(usize),
    /// Only so many bytes of the rendered answer, then a close.
    CloseAfter(usize),
    /// So many bytes of the rendered answer, then silence until the peer leaves.
    HangAfter(usize),
    /// The body's bytes are the whole answer, head and all; then the connection closes.
    Raw,
}

impl Answer {
    /// An answer with an empty body.
    pub fn new(status: u16) -> Answer {
        Answer {
            delay: Duration::ZERO,
            held: None,
            status,
            headers: Vec::new(),
            body: Body::Sized(Vec::new()),
            close: false,
            fault: Fault::None,
        }
    }

    /// 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Answer {
        Answer::new(200).body(body)
    }

    /// Adds a header field; names may repeat, values may be any bytes.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Answer {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// A body with `Content-Length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = Body::Sized(body.into());
        self
    }

    /// A chunked body, with a pause after each chunk.
    pub fn chunks(mut self, chunks: &[&[u8]], pause: Duration) -> Answer {
        self.body = Body::Chunks(chunks.iter().map(|c| c.to_vec()).collect(), pause);
        self
    }

    /// A chunked body: each piece that is sent is a chunk. It ends when the sender is dropped; the sender is closed when
    /// the peer has gone. 64 pieces wait at most.
    pub fn live(mut self) -> (Answer, Sender<Vec<u8>>) {
        let (sender, pieces) = channel(64);
        self.body = Body::Live(Arc::new(Mutex::new(pieces)));
        (self, sender)
    }

    /// A body that ends with the connection.
    pub fn until_close(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = Body::UntilClose(body.into());
        self
    }

    /// Waits before the first byte.
    pub fn after(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }

    /// Waits for one `notify_one` before the first byte, and nothing else: the test says when the call ends.
    pub fn when(mut self, told: &Arc<Notify>) -> Answer {
        self.held = Some(told.clone());
        self
    }

    /// Closes the connection after the answer, without announcing it.
    pub fn then_close(mut self) -> Answer {
        self.close = true;
        self
    }

    /// Resets the connection as soon as bytes arrive, before any is read.
    pub fn reset_unread() -> Answer {
        Answer::new(0).fault(Fault::ResetUnread)
    }

    /// Reads the whole request, then resets the connection.
    pub fn reset() -> Answer {
        Answer::new(0).fault(Fault::ResetRead)
    }

    /// Reads the whole request, then closes the connection.
    pub fn close() -> Answer {
        Answer::new(0).fault(Fault::CloseRead)
    }

    /// Never answers; the connection stays open.
    pub fn silence() -> Answer {
        Answer::new(200).fault(Fault::HangAfter(0))
    }

    /// These bytes instead of an HTTP answer, then closes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Answer {
        Answer::new(0).body(bytes).fault(Fault::Raw)
    }

    /// Resets after so many bytes of the answer, head included.
    pub fn reset_after(self, bytes: usize) -> Answer {
        self.fault(Fault::ResetAfter(bytes))
    }

    /// Resets after the head and so many bytes of the body's framing.
    pub fn reset_in_body(self, bytes: usize) -> Answer {
        let head = self.head().len();
        self.fault(Fault::ResetAfter(head + bytes))
    }

    /// Closes after the head and so many bytes of the body's framing.
    pub fn close_in_body(self, bytes: usize) -> Answer {
        let head = self.head().len();
        self.fault(Fault::CloseAfter(head + bytes))
    }

    /// Falls silent after the head and so many bytes of the body's framing.
    pub fn silence_in_body(self, bytes: usize) -> Answer {
        let head = self.head().len();
        self.fault(Fault::HangAfter(head + bytes))
    }

    fn fault(mut self, fault: Fault) -> Answer {
        self.fault = fault;
        self
    }

    /// The head as it goes over the wire.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {} Fake\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        let framed = self.headers.iter().any(|(n, _)| {
            n.eq_ignore_ascii_case("content-length") || n.eq_ignore_ascii_case("transfer-encoding")
        });
        let bodiless = self.status < 200 || self.status == 204 || self.status == 304;
        match &self.body {
            Body::Sized(body) if !framed && !bodiless => {
                out.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
            }
            Body::Chunks(..) | Body::Live(_) => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Body::UntilClose(_) => out.extend_from_slice(b"Connection: close\r\n"),
            Body::Sized(_) => {}
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}
