//! The codecs against recordings from AWS, against the crates that functions are written with, and against themselves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod answers;
mod context;
mod counterparts;
mod lattice;
mod recorded;
mod requests;
mod roundtrip;
mod sample;
mod sockets;
