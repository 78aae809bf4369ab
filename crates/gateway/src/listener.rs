//! Listeners: bind, accept, serve each connection to its end.
//!
//! A listener is told to stop by a watch; its connections then finish the request at hand and close. The number of
//! served connections is bounded: one more a listener is accepted and waits, the kernel's backlog holds the rest. A
//! listener takes a place only for a client that is there, or an idle one would keep it from the others.

mod h2;
mod origin;
mod preface;
mod reset;
mod serve;
pub(crate) mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::{Shared, StartError, admin};

/// What is served on an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    Admin,
}

/// An address that is being served.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) role: Role,
    /// As configured; port 0 there is a real one in `local`.
    pub(crate) configured: SocketAddr,
    pub(crate) local: SocketAddr,
    /// Swapped by a reload.
    pub(crate) tls: Arc<ArcSwapOption<ServerConfig>>,
    stop: watch::Sender<bool>,
}

/// Bound, not yet served; dropping it gives the address back.
#[derive(Debug)]
pub(crate) struct Bound {
    role: Role,
    configured: SocketAddr,
    local: SocketAddr,
    socket: TcpListener,
}

/// Takes an address.
pub(crate) fn bind(role: Role, address: SocketAddr) -> Result<Bound, StartError> {
    let bound = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restarted gateway must not wait for the old one's closed connections.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(4096)?;
        let socket = TcpListener::from_std(socket.into())?;
        Ok((socket.local_addr()?, socket))
    };
    match bound() {
        Ok((local, socket)) => Ok(Bound { role, configured: address, local, socket }),
        Err(source) => Err(StartError::Bind { address, source }),
    }
}

impl Bound {
    /// Serves the address on the current runtime.
    pub(crate) fn serve(self, shared: Arc<Shared>, tls: Option<Arc<ServerConfig>>) -> Listening {
        let (stop, stopped) = watch::channel(false);
        let tls = Arc::new(ArcSwapOption::new(tls));
        let listening = Listening {
            role: self.role,
            configured: self.configured,
            local: self.local,
            tls: tls.clone(),
            stop,
        };
        tokio::spawn(accept(self, shared, tls, stopped));
        listening
    }
}

impl Listening {
    /// Stops accepting; open connections end after the request at hand.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(
    bound: Bound,
    shared: Arc<Shared>,
    tls: Arc<ArcSwapOption<ServerConfig>>,
    mut stopped: watch::Receiver<bool>,
) {
    let Bound { role, configured, local, socket } = bound;
    loop {
        let accepted = async {
            let accepted = socket.accept().await?;
            // Probes must get through when clients have taken every place, and a drain does not wait for them.
            let place = match role {
                Role::Gateway => Some((shared.connections.slot().await, shared.in_flight.token())),
                Role::Admin => None,
            };
            std::io::Result::Ok((accepted, place))
        };
        let accepted = tokio::select! {
            biased;
            _ = stopped.wait_for(|&stop| stop) => return,
            accepted = accepted => accepted,
        };
        let Ok(((stream, peer), taken)) = accepted else {
            // Out of descriptors, or the client is gone already: later is better, soon enough.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if role == Role::Gateway {
            shared.metrics.accepted.add(1);
        }
        let place = serve::Place { configured, local: stream.local_addr().unwrap_or(local), peer };
        let (shared, tls, stopped) = (shared.clone(), tls.load_full(), stopped.clone());
        tokio::spawn(async move {
            prepare(&stream);
            match role {
                Role::Admin => admin::serve(stream, &shared, configured, stopped).await,
                Role::Gateway => serve::connection(stream, shared.clone(), place, tls, stopped).await,
            }
            drop(taken);
        });
    }
}

/// Small answers must not wait for an acknowledgement.
fn prepare(stream: &TcpStream) {
    // A socket that refuses the option is about to fail anyway.
    let _ = stream.set_nodelay(true);
}

/// Open connections, all listeners together.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: AtomicUsize,
    max: AtomicUsize,
    freed: Notify,
}

impl Connections {
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max.max(1), Ordering::Relaxed);
        self.freed.notify_waiters();
    }

    /// Those that are served now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    async fn slot(self: &Arc<Self>) -> Slot {
        loop {
            let freed = self.freed.notified();
            if self.open.fetch_add(1, Ordering::AcqRel) < self.max.load(Ordering::Relaxed) {
                return Slot(self.clone());
            }
            self.open.fetch_sub(1, Ordering::AcqRel);
            freed.await;
        }
    }
}

/// One open connection.
struct Slot(Arc<Connections>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}
