//! The emulator through real HTTP, with real child processes behind it.

// The whole file is tests, which clippy cannot see for an integration test's own functions.
#![allow(clippy::unwrap_used)]

mod extensions;
mod invoke;
mod lifecycle;
mod lists;
mod recorded;
mod refusals;
mod streams;
mod support;
mod urls;
