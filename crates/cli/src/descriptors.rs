//! How many descriptors the process may have.
//!
//! Programs are started with a soft bound of 1024, for the sake of those that wait with select(2). A gateway would serve no more
//! clients than that, so it takes what the hard bound allows. `dev` leaves it alone: functions inherit it.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::output;

/// Raises the bound as far as it goes; complains where it stays below what so many client connections take.
pub fn raise(connections: usize) {
    let mut bound = getrlimit(Resource::Nofile);
    bound.current = bound.maximum;
    // A system that refuses has left it as it was, and that is what counts.
    let _ = setrlimit(Resource::Nofile, bound);
    let Some(granted) = getrlimit(Resource::Nofile).current else { return };
    if granted < connections as u64 {
        output::complain(&format!(
            "this process may have {granted} descriptors: fewer clients are served at once than the {connections} of `limits.connections`"
        ));
    }
}
