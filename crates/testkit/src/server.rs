//! The socket side that all fakes share: one thread, one current-thread runtime, one task a connection.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use crate::answer::{Answer, Body, Fault};
use crate::request::{Inbox, Request};

/// How long a test waits for something that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Chooses the answer to a request.
pub(crate) type Handler =
    Arc<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync + 'static>;

/// A running fake.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the serving thread and the test both see.
pub(crate) struct Shared {
    requests: Mutex<Vec<Request>>,
    count: watch::Sender<usize>,
    script: Mutex<VecDeque<Answer>>,
    handler: Handler,
}

impl Server {
    /// Binds `address` (port 0 is a free one) and serves until dropped.
    pub(crate) fn start(address: SocketAddr, handler: Handler) -> Server {
        let listener = std::net::TcpListener::bind(address).expect("a loopback port can be bound");
        listener.set_nonblocking(true).expect("a fresh listener can be made non-blocking");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            requests: Mutex::default(),
            count: watch::Sender::new(0),
            script: Mutex::default(),
            handler,
        });
        let (stop, stopped) = oneshot::channel();
        let serving = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a current-thread runtime can be built");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the listener is non-blocking");
                tokio::select! {
                    _ = accept(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Server { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// As [`Server::start`], on a free loopback port.
    pub(crate) fn anywhere(handler: Handler) -> Server {
        Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), handler)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Queues an answer that comes before the handler's.
    pub(crate) fn push(&self, answer: Answer) {
        lock(&self.shared.script).push_back(answer);
    }

    /// Everything received so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Waits until `count` requests arrived; panics when they do not.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Request> {
        let mut seen = self.shared.count.subscribe();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|n| *n >= count)).await;
        assert!(waited.is_ok(), "waited for {count} requests, have {:#?}", self.requests());
        self.requests()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connection = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let _ = serve(stream, connection, shared).await;
        });
        connection += 1;
    }
}

async fn serve(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = Inbox::default();
    loop {
        if inbox.is_empty() && stream.peek(&mut [0]).await? == 0 {
            return Ok(());
        }
        if next_is_unread(&shared) {
            return reset(&stream);
        }
        let Some(request) = inbox.request(&mut stream, connection).await? else { return Ok(()) };
        let head_only = request.method == "HEAD";
        let whole = request.complete;
        let scripted = lock(&shared.script).pop_front();
        lock(&shared.requests).push(request.clone());
        shared.count.send_modify(|n| *n += 1);
        if !whole {
            return Ok(());
        }
        let answer = match scripted {
            Some(answer) => answer,
            None => tokio::select! {
                biased;
                answer = (shared.handler)(request) => answer,
                _ = gone(&stream) => return Ok(()),
            },
        };
        tokio::time::sleep(answer.delay).await;
        if let Some(told) = &answer.held {
            told.notified().await;
        }
        if !send(&mut stream, &answer, head_only).await? {
            return Ok(());
        }
    }
}

fn next_is_unread(shared: &Shared) -> bool {
    let mut script = lock(&shared.script);
    let unread = script.front().is_some_and(|answer| answer.fault == Fault::ResetUnread);
    if unread {
        script.pop_front();
    }
    unread
}

/// Writes the answer; true when the connection can take a further request.
async fn send(stream: &mut TcpStream, answer: &Answer, head_only: bool) -> io::Result<bool> {
    match answer.fault {
        Fault::ResetUnread | Fault::ResetRead => {
            reset(stream)?;
            return Ok(false);
        }
        Fault::CloseRead => return Ok(false),
        Fault::Raw => {
            if let Body::Sized(bytes) = &answer.body {
                stream.write_all(bytes).await?;
            }
            stream.shutdown().await?;
            return Ok(false);
        }
        _ => {}
    }
    let mut bytes = answer.head();
    let mut ends_with_connection = answer.close;
    match &answer.body {
        _ if head_only => {}
        Body::Sized(body) => bytes.extend_from_slice(body),
        Body::UntilClose(body) => {
            bytes.extend_from_slice(body);
            ends_with_connection = true;
        }
        Body::Live(pieces) => {
            let mut pieces = pieces.lock().await;
            loop {
                stream.write_all(&bytes).await?;
                bytes.clear();
                let piece = tokio::select! {
                    biased;
                    piece = pieces.recv() => piece,
                    () = gone(stream) => return Ok(false),
                };
                let Some(piece) = piece else { break };
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(&piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        Body::Chunks(chunks, pause) => {
            for chunk in chunks {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
                if !pause.is_zero() && answer.fault == Fault::None {
                    stream.write_all(&bytes).await?;
                    bytes.clear();
                    tokio::time::sleep(*pause).await;
                }
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
    }
    let cut = |n: usize| &bytes[..n.min(bytes.len())];
    match answer.fault {
        Fault::ResetAfter(n) => {
            stream.write_all(cut(n)).await?;
            // The peer has to read these bytes before the reset discards what it has not yet read.
            tokio::time::sleep(Duration::from_millis(30)).await;
            reset(stream)?;
            Ok(false)
        }
        Fault::CloseAfter(n) => {
            stream.write_all(cut(n)).await?;
            stream.shutdown().await?;
            Ok(false)
        }
        Fault::HangAfter(n) => {
            stream.write_all(cut(n)).await?;
            gone(stream).await;
            Ok(false)
        }
        _ => {
            stream.write_all(&bytes).await?;
            if ends_with_connection {
                stream.shutdown().await?;
            }
            Ok(!ends_with_connection)
        }
    }
}

fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// Ends when the peer has closed.
async fn gone(stream: &TcpStream) {
    loop {
        match stream.peek(&mut [0]).await {
            Ok(0) | Err(_) => return,
            // A pipelined request: the peer is there, and closing shows only after those bytes are read.
            Ok(_) => std::future::pending::<()>().await,
        }
    }
}

/// A test that panicked elsewhere has poisoned nothing that matters here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
