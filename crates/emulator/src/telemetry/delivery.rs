//! Brings one subscriber its events: arrays of JSON by HTTP, or lines of JSON over a TCP connection that stays.
//!
//! The listener is the extension's own, on this machine. A delivery that fails is tried again twice, a little later each
//! time; then its events count as dropped. Each try has a deadline.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use lambridge_wire::telemetry::Destination;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Queue;

/// Pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// For one try.
const PATIENCE: Duration = Duration::from_secs(5);

/// Delivers until it is aborted.
pub(crate) async fn deliver(queue: Arc<Queue>, destination: Destination) {
    let mut kept = None;
    loop {
        let events = queue.next().await;
        let mut pauses = PAUSES.iter();
        while !matches!(
            tokio::time::timeout(PATIENCE, attempt(&destination, &events, &mut kept)).await,
            Ok(Some(()))
        ) {
            kept = None;
            match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    queue.lose(&events);
                    break;
                }
            }
        }
    }
}

async fn attempt(destination: &Destination, events: &[Bytes], kept: &mut Option<TcpStream>) -> Option<()> {
    match destination {
        Destination::Tcp { port } => {
            let mut stream = match kept.take() {
                Some(stream) => stream,
                None => connect(*port).await?,
            };
            let mut lines = Vec::with_capacity(events.iter().map(|event| event.len() + 1).sum());
            for event in events {
                lines.extend_from_slice(event);
                lines.push(b'\n');
            }
            stream.write_all(&lines).await.ok()?;
            *kept = Some(stream);
            Some(())
        }
        Destination::Http { port, authority, path, put } => {
            let method = if *put { Method::PUT } else { Method::POST };
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::HOST, authority)
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::new(Bytes::from(array(events))))
                .ok()?;
            let stream = TokioIo::new(connect(*port).await?);
            let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.ok()?;
            // Ends with this try, whatever the other side does.
            let mut connections = JoinSet::new();
            connections.spawn(connection);
            let answer = client.send_request(request).await.ok()?;
            let status = answer.status();
            // Read to its end, or the listener may see its connection reset.
            let _ = http_body_util::Limited::new(answer.into_body(), 64 * 1024).collect().await;
            status.is_success().then_some(())
        }
    }
}

async fn connect(port: u16) -> Option<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()
}

fn array(events: &[Bytes]) -> Vec<u8> {
    let mut text = vec![b'['];
    for (position, event) in events.iter().enumerate() {
        if position > 0 {
            text.push(b',');
        }
        text.extend_from_slice(event);
    }
    text.push(b']');
    text
}
