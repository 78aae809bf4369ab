//! What only sockets show: handshakes, limits, queues, drains and reloads, each seen from the client, from Lambda and
//! in the log.

// Tests may fail by unwrapping; clippy's own exception does not reach functions beside them.
#![allow(clippy::unwrap_used)]

mod admin;
mod bounds;
mod canary;
mod clients;
mod drain;
mod failures;
mod frames;
mod gloo;
mod http2;
mod hygiene;
mod log_fields;
mod named;
mod policies;
mod protobuf;
mod refusals;
mod reload;
mod streams;
#[allow(dead_code, reason = "the other test binary uses the rest of it")]
#[path = "../support/mod.rs"]
mod support;
mod telemetry;
mod telemetry_grpc;
mod tenants;
mod tls;
mod traces;
mod upstream;
mod world;
