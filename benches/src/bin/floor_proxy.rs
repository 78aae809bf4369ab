//! A bare reverse proxy on hyper: HTTP/1.1 on both sides, pooled, bodies streamed, nothing read or changed.
//!
//! It is the floor for the gateway: whoever parses and writes HTTP with hyper pays at least this.
//! Arguments: address to listen on, address of the upstream (`host:port`).

use std::cell::RefCell;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response};
use lambridge_benches::{Failure, connect, run, serve};

type Pool = Rc<RefCell<Vec<SendRequest<Incoming>>>>;

fn main() -> Result<(), Failure> {
    let upstream: Rc<str> = std::env::args().nth(2).ok_or("usage: floor_proxy LISTEN UPSTREAM")?.into();
    let pool = Pool::default();
    run(serve(move |request| forward(Rc::clone(&pool), Rc::clone(&upstream), request)))
}

async fn forward(
    pool: Pool,
    upstream: Rc<str>,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, Failure> {
    let mut sender = match idle(&pool) {
        Some(sender) => sender,
        None => connect(&upstream).await?,
    };
    let answer = sender.send_request(request).await?;
    // Not ready before the answer's body was read: `idle` passes over it until then.
    pool.borrow_mut().push(sender);
    Ok(answer)
}

fn idle(pool: &Pool) -> Option<SendRequest<Incoming>> {
    let mut pool = pool.borrow_mut();
    pool.retain(|sender| !sender.is_closed());
    let ready = pool.iter().rposition(SendRequest::is_ready)?;
    Some(pool.swap_remove(ready))
}
