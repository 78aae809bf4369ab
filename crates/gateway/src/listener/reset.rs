//! A connection that ends so that its client sees that something is missing.
//!
//! A client of HTTP/1.0 is given no chunks: the end of the connection is the end of the answer (RFC 9112 section 6.3),
//! and half an answer would look like a whole one, to nginx for instance, which asks so unless told otherwise. A reset
//! says that it is not. Elsewhere the message itself tells, and a reset could lose what the client has not read yet.

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection to a client.
pub(super) trait Reset {
    /// Has the connection reset when it is dropped.
    fn reset(&self);
}

impl Reset for TcpStream {
    fn reset(&self) {
        // A socket that refuses the option has lost its client already.
        let _ = self.set_zero_linger();
    }
}

impl<IO: Reset> Reset for TlsStream<IO> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}
