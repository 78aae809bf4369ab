//! Streams whose client takes nothing.
//!
//! hyper runs each stream as a task of its own: first the request's future, then the answer, of which it asks for the
//! next piece when there is room for it. So a stream is stalled when a piece was given, and no other is asked for. The task is
//! ended then, which resets the stream and leaves the others alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, Sleep};

tokio::task_local! {
    static STREAM: Arc<Pieces>;
}

/// Pieces of one stream's answer.
#[derive(Debug, Default)]
struct Pieces {
    given: AtomicU64,
    /// The last one was given, and the next one not asked for.
    out: AtomicBool,
}

/// The stream of the current task asks for a piece.
pub(super) fn asked() {
    // Outside of such a task, as in tests of the body alone, no one counts.
    let _ = STREAM.try_with(|pieces| pieces.out.store(false, Ordering::Relaxed));
}

/// It has got one.
pub(super) fn given() {
    let _ = STREAM.try_with(|pieces| {
        pieces.given.fetch_add(1, Ordering::Relaxed);
        pieces.out.store(true, Ordering::Relaxed);
    });
}

/// Runs streams as tasks that end when their client takes nothing for too long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) idle: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Watched {
    fn execute(&self, future: F) {
        let pieces = Arc::<Pieces>::default();
        let future = Box::pin(STREAM.scope(pieces.clone(), future));
        tokio::spawn(Watch { future, pieces, seen: 0, idle: self.idle, timer: None });
    }
}

struct Watch<F: Future<Output = ()>> {
    future: Pin<Box<TaskLocalFuture<Arc<Pieces>, F>>>,
    pieces: Arc<Pieces>,
    /// Pieces when the timer was set.
    seen: u64,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = ()>> Future for Watch<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !this.pieces.out.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let idle = this.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        let given = this.pieces.given.load(Ordering::Relaxed);
        if given != this.seen
            && let Some(due) = Instant::now().checked_add(idle)
        {
            this.seen = given;
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(())
    }
}
