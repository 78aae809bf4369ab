//! Who calls: keys from the configured source, kept, and renewed before they expire.
//!
//! Nothing is read until the first call. One renewal runs at a time, in a task of its own, so that a caller whose deadline
//! passes does not end it for the others. While keys are still valid, calls go on with them, whether the renewal is slow or
//! fails; a failure is remembered for a moment, so that a broken source is not asked once a call.
//!
//! The source itself is AWS's own chain (`aws-config`): environment, shared files, SSO, web identity, container, instance.
//! The two variables that come first in it are read through the injected environment.

use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use lambridge_model::{Credentials as Source, EndpointVariant};

use crate::Env;
use crate::sign::Keys;

mod role;
mod source;

pub(crate) use role::sts_config;
pub(crate) use source::{default_region, files, profile};

/// Renewal starts this long before the end, or in the last fifth of a shorter life.
const AHEAD: Duration = Duration::from_secs(300);
/// Keys that end sooner than this are not used any more: the request has to arrive.
const MARGIN: Duration = Duration::from_secs(2);
/// No source may take longer.
const LOAD: Duration = Duration::from_secs(30);
/// Time between two tries of a source that failed.
pub(crate) const BACKOFF: Duration = Duration::from_secs(1);
/// Keys without an end, from a file for instance, are read again after this: someone may have rotated them.
const REREAD: Duration = Duration::from_secs(900);
/// Keys younger than this are not dropped because Lambda called them expired: new ones would be the same.
const YOUNG: Duration = Duration::from_secs(30);

/// Makes the provider behind a source; called again when keys have to be read afresh.
type Maker = Box<dyn Fn(&str) -> source::Making + Send + Sync>;
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Keys and their life.
#[derive(Debug)]
pub(crate) struct Lease {
    pub keys: Keys,
    loaded: SystemTime,
    due: Option<SystemTime>,
    expires: Option<SystemTime>,
}

/// Keys of one source. `Debug` shows none of them.
pub(crate) struct Store {
    /// The keys stand in the configuration: there are no others.
    fixed: bool,
    /// What it means that the source has none.
    none: String,
    make: Maker,
    clock: Clock,
    provider: Mutex<Option<SharedCredentialsProvider>>,
    current: RwLock<Option<Arc<Lease>>>,
    renewal: Arc<tokio::sync::Mutex<()>>,
    failed: Mutex<Option<(SystemTime, String)>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(***)")
    }
}

impl Store {
    /// `variant` is where STS is asked, if it is.
    pub(crate) fn new(source: Source, env: Env, variant: EndpointVariant) -> Self {
        Self {
            fixed: matches!(source, Source::Static { .. }),
            none: none(&source),
            make: Box::new(move |region| {
                source::provider(source.clone(), region.to_owned(), Arc::clone(&env), variant)
            }),
            clock: Arc::new(SystemTime::now),
            provider: Mutex::new(None),
            current: RwLock::new(None),
            renewal: Arc::default(),
            failed: Mutex::new(None),
        }
    }

    /// The keys that are there, if they may be used still; new ones are fetched behind where it is time to.
    pub(crate) fn at_hand(self: &Arc<Self>, region: &str) -> Option<Arc<Lease>> {
        let lease = self.current()?;
        // Keys that have no end need no clock.
        if lease.due.is_none() && lease.expires.is_none() {
            return Some(lease);
        }
        let now = (self.clock)();
        if lease.is_due(now) {
            if !lease.is_valid(now) {
                return None;
            }
            self.renew_behind(region);
        }
        Some(lease)
    }

    /// Keys to sign with now. `region` is where STS is asked, if it is.
    pub(crate) async fn get(self: &Arc<Self>, region: &str) -> Result<Arc<Lease>, String> {
        if let Some(lease) = self.at_hand(region) {
            return Ok(lease);
        }
        let (store, region) = (Arc::clone(self), region.to_owned());
        let renewal = async move {
            let _one = Arc::clone(&store.renewal).lock_owned().await;
            store.renew(&region).await
        };
        tokio::spawn(renewal).await.map_err(|_| "the source of credentials ended unexpectedly".to_owned())?
    }

    /// Lambda called these keys expired or unknown: the next call loads others. Whether there are others to ask for.
    pub(crate) fn refused(&self, lease: &Arc<Lease>) -> bool {
        if self.fixed {
            return false;
        }
        let mut current = self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if current.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, lease)) {
            if (self.clock)().duration_since(lease.loaded).is_ok_and(|age| age < YOUNG) {
                return false;
            }
            *current = None;
            self.forget_provider();
        }
        true
    }

    fn current(&self) -> Option<Arc<Lease>> {
        self.current.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Starts a renewal unless one runs or one failed a moment ago.
    fn renew_behind(self: &Arc<Self>, region: &str) {
        if let Ok(one) = Arc::clone(&self.renewal).try_lock_owned() {
            let (store, region) = (Arc::clone(self), region.to_owned());
            tokio::spawn(async move {
                let _one = one;
                // A failure is remembered in the store; the keys at hand still serve.
                let _ = store.renew(&region).await;
            });
        }
    }

    /// Loads new keys, unless someone just did or just failed to. The caller holds the renewal lock.
    async fn renew(&self, region: &str) -> Result<Arc<Lease>, String> {
        let now = (self.clock)();
        if let Some(lease) = self.current().filter(|lease| !lease.is_due(now)) {
            return Ok(lease);
        }
        if let Some(message) = self.recent_failure(now) {
            return Err(message);
        }
        let loaded = tokio::time::timeout(LOAD, self.load(region))
            .await
            .unwrap_or_else(|_| Err("the source did not answer in time".to_owned()));
        let mut failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match loaded {
            Ok(lease) => {
                *failed = None;
                let lease = Arc::new(lease);
                *self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner()) =
                    Some(Arc::clone(&lease));
                Ok(lease)
            }
            Err(message) => {
                *failed = Some(((self.clock)(), message.clone()));
                Err(message)
            }
        }
    }

    fn recent_failure(&self, now: SystemTime) -> Option<String> {
        let failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let recent = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age < BACKOFF);
        failed.as_ref().filter(|(at, _)| recent(*at)).map(|(_, message)| message.clone())
    }

    /// Asks the source. The caller holds the renewal lock, so one provider is made at a time.
    async fn load(&self, region: &str) -> Result<Lease, String> {
        let kept = self.provider.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let provider = match kept {
            Some(provider) => provider,
            None => (self.make)(region).await,
        };
        let found = provider.provide_credentials().await.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => self.none.clone(),
            error => crate::chain(&error),
        })?;
        let keys = Keys::new(found.access_key_id(), found.secret_access_key(), found.session_token());
        let lease = Lease::new(keys, (self.clock)(), found.expiry(), self.fixed);
        // A provider keeps the files it has read; one whose keys have no end is made anew to read them again.
        let keep = lease.expires.is_some().then_some(provider);
        *self.provider.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = keep;
        if lease.is_valid(lease.loaded) {
            Ok(lease)
        } else {
            Err("the source gave credentials that have expired".to_owned())
        }
    }

    fn forget_provider(&self) {
        *self.provider.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
    }
}

/// The SDK says no more than that a provider is "not enabled".
fn none(source: &Source) -> String {
    match source {
        Source::Default => "no source of the AWS default chain has credentials".to_owned(),
        Source::Profile(name) => format!("the shared files have no profile `{name}` with credentials"),
        Source::Static { .. } | Source::AssumeRole(_) => "the source has no credentials".to_owned(),
    }
}

impl Lease {
    pub(crate) fn new(keys: Keys, loaded: SystemTime, expires: Option<SystemTime>, fixed: bool) -> Self {
        let due = match expires {
            Some(end) => {
                let life = end.duration_since(loaded).unwrap_or_default();
                end.checked_sub(AHEAD.min(life / 5))
            }
            None if fixed => None,
            None => loaded.checked_add(REREAD),
        };
        Self { keys, loaded, due, expires }
    }

    fn is_due(&self, now: SystemTime) -> bool {
        self.due.is_some_and(|due| now >= due)
    }

    fn is_valid(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| now + MARGIN < expires)
    }
}

#[cfg(test)]
mod tests;
