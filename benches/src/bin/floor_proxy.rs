//! A bare reverse proxy on hyper: HTTP/1.1 on both sides, pooled, bodies streamed, nothing read or changed.
//!
//! It is the floor for the gateway: whoever parses and writes HTTP with hyper pays at least this.
//! Arguments: address to listen on, address of the upstream (`host:port`), and for HTTP/2 to the upstream how many
//! connections the requests share.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use lambridge_benches::{Failure, connect, run, serve};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

type Pool = Rc<RefCell<Vec<http1::SendRequest<Incoming>>>>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(2);
    let upstream: Rc<str> =
        arguments.next().ok_or("usage: floor_proxy LISTEN UPSTREAM [CONNECTIONS]")?.into();
    let Some(count) = arguments.next() else {
        let pool = Pool::default();
        return run(serve(move |request| forward(Rc::clone(&pool), Rc::clone(&upstream), request)));
    };
    let count: usize = count.parse()?;
    run(async move {
        let mut links = Vec::new();
        for _ in 0..count.max(1) {
            links.push(link(&upstream).await?);
        }
        let turn = Cell::new(0);
        serve(move |request| {
            turn.set((turn.get() + 1) % links.len());
            share(links[turn.get()].clone(), Rc::clone(&upstream), request)
        })
        .await
    })
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

fn idle(pool: &Pool) -> Option<http1::SendRequest<Incoming>> {
    let mut pool = pool.borrow_mut();
    pool.retain(|sender| !sender.is_closed());
    let ready = pool.iter().rposition(http1::SendRequest::is_ready)?;
    Some(pool.swap_remove(ready))
}

/// hyper's own tasks, on this thread.
#[derive(Clone)]
struct Here;

impl<F: Future + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        spawn_local(async move { drop(task.await) });
    }
}

async fn link(upstream: &str) -> Result<http2::SendRequest<Incoming>, Failure> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http2::handshake(Here, TokioIo::new(stream)).await?;
    spawn_local(async move { drop(connection.await) });
    Ok(sender)
}

async fn share(
    mut link: http2::SendRequest<Incoming>,
    upstream: Rc<str>,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Failure> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::builder().scheme("http").authority(&*upstream).path_and_query(path).build()?;
    request.headers_mut().remove("host");
    Ok(link.send_request(request).await?)
}
