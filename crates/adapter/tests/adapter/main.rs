//! The adapter between fakes, over real sockets: a sandbox's Runtime API on one side, an application on the other.

mod answers;
mod binary;
mod faults;
mod requests;
mod sandbox;
