//! All functions of an emulator, and which version of which a call means.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::request::Parts;
use lambridge_model::{Run, Secret};
use tokio::sync::Semaphore;

use crate::context::{Context, Lives};
use crate::function::Function;
use crate::identity::since_epoch;
use crate::process::Spawner;
use crate::record::Recorder;
use crate::signature::{self, Refusal};
use crate::{Settings, Timing};

/// Asynchronous invocations waiting or running at once; more are throttled.
const BEHIND: usize = 1000;
/// The version that is not published.
pub(crate) const LATEST: &str = "$LATEST";

/// See the module.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) region: String,
    pub(crate) account: String,
    key_pairs: Vec<(String, Secret)>,
    signed: bool,
    pub(crate) timing: Timing,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) lives: Arc<Lives>,
    pub(crate) behind: Arc<Semaphore>,
    /// When this began: what functions have for their last change.
    pub(crate) started: String,
    functions: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// `$LATEST` among them.
    versions: HashMap<String, Arc<Function>>,
    aliases: BTreeMap<String, String>,
}

impl Service {
    pub(crate) fn new(settings: Settings, timing: Timing, spawner: Spawner) -> Self {
        let recorder = Arc::new(Recorder::default());
        let lives = Arc::new(Lives::default());
        let function = |name: &str, version: &str, run: &Run| {
            let context = Context {
                name: name.to_owned(),
                version: version.to_owned(),
                region: settings.region.clone(),
                account: settings.account_id.clone(),
                run: run.clone(),
                adapter: settings.adapter.clone(),
                child_prefix: settings.child_prefix.clone(),
                inherit: settings.inherit.clone(),
                log: settings.log.clone(),
                timing: timing.clone(),
                spawner: spawner.clone(),
                lives: Arc::clone(&lives),
            };
            (version.to_owned(), Function::new(context, Arc::clone(&recorder)))
        };
        let entry = |(name, run): (&String, &Run)| {
            let published = run.versions.iter().map(|(version, run)| function(name, version, run));
            let versions = published.chain([function(name, LATEST, run)]).collect();
            let aliases = run.aliases.clone();
            (name.clone(), Entry { versions, aliases })
        };
        let functions = settings.functions.iter().map(entry).collect();
        Self {
            functions,
            started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
            recorder,
            lives,
            timing,
            region: settings.region,
            account: settings.account_id,
            key_pairs: settings.key_pairs,
            signed: settings.signed,
            behind: Arc::new(Semaphore::new(BEHIND)),
        }
    }

    /// Whether a request is signed as it says. Where nobody has to sign, a stranger's signature says nothing, and there may
    /// be none.
    pub(crate) fn check_signature(&self, head: &Parts, body: &[u8]) -> Result<(), Refusal> {
        let named = signature::key_id(head);
        if !self.signed && !self.key_pairs.iter().any(|(id, _)| named == Some(id)) {
            return Ok(());
        }
        let now = i64::try_from(since_epoch().as_secs()).unwrap_or(i64::MAX);
        signature::verify(head, body, &self.key_pairs, now)
    }

    /// The function that `name` and `qualifier` mean. An alias is followed once.
    pub(crate) fn find(&self, name: &str, qualifier: Option<&str>) -> Option<&Arc<Function>> {
        let entry = self.functions.get(name)?;
        let qualifier = qualifier.unwrap_or(LATEST);
        if qualifier == "$LATEST.PUBLISHED" {
            let newest = entry.versions.iter().filter_map(|(v, f)| Some((v.parse::<u64>().ok()?, f)));
            return newest.max_by_key(|(number, _)| *number).map(|(_, function)| function);
        }
        let version = entry.aliases.get(qualifier).map_or(qualifier, String::as_str);
        entry.versions.get(version)
    }

    /// All versions of all functions, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values().flat_map(|entry| entry.versions.values())
    }

    /// Alias and version of each alias of `name`, if there is such a function.
    pub(crate) fn aliases(&self, name: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
        let aliases = &self.functions.get(name)?.aliases;
        Some(aliases.iter().map(|(alias, version)| (alias.as_str(), version.as_str())))
    }

    /// Starts one instance of each function's unpublished version.
    pub(crate) fn warm(&self) {
        for entry in self.functions.values() {
            if let Some(function) = entry.versions.get(LATEST) {
                function.warm();
            }
        }
    }
}
