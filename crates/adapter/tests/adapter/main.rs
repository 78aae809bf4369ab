//! The adapter between fakes, over real sockets: a sandbox's Runtime API on one side, an application on the other.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, the sandbox included")]

mod answers;
mod backpressure;
mod binary;
mod compression;
mod faults;
mod h2c;
mod oddities;
mod requests;
mod sandbox;
mod slow;
mod snapstart;
mod sources;
mod streams;
mod web_function;
