//! `lambridge create`: objects for a cluster, or for a folder that `-c` names.
//!
//! The manifest goes to standard output, so that it can be kept in a file or handed to `kubectl apply -f -`; notes go
//! to standard error.

mod profile;
mod secret;
mod upstream;

use std::process::ExitCode;

use crate::args::{Create, CreateSecret, CreateUpstream};
use crate::output;

pub fn run(create: &Create) -> ExitCode {
    let manifest = match create {
        Create::Secret { what: CreateSecret::Aws(options) } => secret::manifest(options),
        Create::Upstream { what: CreateUpstream::Aws(options) } => upstream::manifest(options),
    };
    match manifest {
        Ok(text) => {
            output::say(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(message) => {
            output::complain(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}
