//! A request that outlives its client.
//!
//! hyper drops a request's future when the client goes. Before the call that is right: nothing is sent to Lambda for
//! no one. During the call Lambda runs on regardless, so the future is handed to the runtime, which finishes it
//! under its own deadline; its permit is held as long as the function runs. A spawned task for every request would
//! do the same at a price; this costs nothing until a client goes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::connection::Connection;

/// The future of one request.
pub(crate) struct Attended<F: Future + Send + 'static> {
    future: Option<Pin<Box<F>>>,
    connection: Arc<Connection>,
}

impl<F: Future + Send + 'static> Attended<F> {
    /// Inlined, so that the future, which is large, is made where it stays.
    #[inline]
    pub(crate) fn new(connection: Arc<Connection>, future: F) -> Self {
        Self { future: Some(Box::pin(future)), connection }
    }
}

impl<F: Future + Send + 'static> Future for Attended<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = self.future.as_mut() else { return Poll::Pending };
        let polled = future.as_mut().poll(cx);
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for Attended<F> {
    fn drop(&mut self) {
        let exchange = &self.connection.exchange;
        if let Some(future) = self.future.take()
            && exchange.calling.load(Ordering::Relaxed)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            exchange.gone.store(true, Ordering::Relaxed);
            let guard = self.connection.shared.in_flight.token();
            runtime.spawn(async move {
                future.await;
                drop(guard);
            });
        }
    }
}
