//! A small axum application. It knows nothing of Lambda.

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let app = Router::new()
        .route("/", get(|| async { Html("<!doctype html><h1>Hello from axum</h1>") }))
        .route("/greet", get(greet))
        .route("/echo", post(echo));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, app).with_graceful_shutdown(terminated()).await
}

#[derive(Deserialize)]
struct Who {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    hello: String,
}

async fn greet(Query(who): Query<Who>) -> Json<Greeting> {
    Json(Greeting { hello: who.name })
}

/// Gives the body back, byte for byte.
async fn echo(headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let kind = headers.get("content-type").cloned();
    ([("content-type", kind.unwrap_or_else(|| "application/octet-stream".parse().unwrap()))], body)
}

/// Lambda says so before it ends an environment.
async fn terminated() {
    if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        signal.recv().await;
    }
}
