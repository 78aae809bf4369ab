//! A small Actix Web application. It knows nothing of Lambda.

use actix_web::http::header::ContentType;
use actix_web::web::{Bytes, Json, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, get, post};
use serde::{Deserialize, Serialize};

#[get("/")]
async fn page() -> impl Responder {
    HttpResponse::Ok().content_type(ContentType::html()).body("<!doctype html><h1>Hello from Actix Web</h1>")
}

#[derive(Deserialize)]
struct Who {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    hello: String,
}

#[get("/greet")]
async fn greet(who: Query<Who>) -> Json<Greeting> {
    Json(Greeting { hello: who.name.clone() })
}

/// Gives the body back, byte for byte.
#[post("/echo")]
async fn echo(request: HttpRequest, body: Bytes) -> impl Responder {
    let kind = request.headers().get("content-type").cloned();
    let mut answer = HttpResponse::Ok();
    if let Some(kind) = kind {
        answer.insert_header(("content-type", kind));
    }
    answer.body(body)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    HttpServer::new(|| App::new().service(page).service(greet).service(echo))
        .workers(1)
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
