//! What all sandboxes of one version of one function have in common.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lambridge_model::Run;

use crate::process::Spawner;
use crate::sandbox::Sandbox;
use crate::{LogSink, Timing};

/// `_HANDLER` where the configuration has none: runtime clients want to see one.
const HANDLER: &str = "function.handler";

/// Facts of a function's version, and the means to start it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) name: String,
    /// `$LATEST` or a number.
    pub(crate) version: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) run: Run,
    pub(crate) adapter: Vec<OsString>,
    pub(crate) child_prefix: Vec<OsString>,
    pub(crate) inherit: Vec<(OsString, OsString)>,
    pub(crate) log: LogSink,
    pub(crate) timing: Timing,
    pub(crate) spawner: Spawner,
    pub(crate) lives: Arc<Lives>,
}

impl Context {
    pub(crate) fn handler(&self) -> &str {
        self.run.handler.as_deref().unwrap_or(HANDLER)
    }
}

/// All sandboxes that live, so that none outlives the emulator. Once closed, none is started any more.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    closed: AtomicBool,
    all: Mutex<Vec<Weak<Sandbox>>>,
}

impl Lives {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn add(&self, sandbox: &Arc<Sandbox>) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(sandbox));
    }

    pub(crate) fn all(&self) -> Vec<Arc<Sandbox>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }
}
