//! What functions Lambda says there are, for those that are called only while they are listed.
//!
//! One directory serves all functions whose clients have the same settings. It asks when a request first needs it, and
//! from then on behind the requests: a list that is older than [`PERIOD`] is still used while the next one comes. A name
//! that is missing asks too, but not more than once in [`PAUSE`], so that a client cannot make us call AWS at will. A
//! listing that fails leaves the last good list in place; without any list the request fails as its call would have.
//!
//! A name that is not listed is refused without a call. Gloo Edge writes its list into the `Upstream` once a second and
//! refuses routes to names that are not in it; here the list is minutes old at most, and no object is changed.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambridge_invoke::{Executed, InvokeError, Lambda, Listed};
use lambridge_model::{Credentials, Function};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::problem::{Reason, Refusal};
use crate::random;

/// A list may get this old, and up to a quarter more, so that many gateways do not ask at once.
const PERIOD: Duration = Duration::from_secs(60);
/// Between the beginnings of two listings, whatever the reason.
const PAUSE: Duration = Duration::from_secs(5);
/// A listing, all pages, takes no longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The functions of one account and region, as one set of credentials may list them.
#[derive(Debug)]
pub(crate) struct Directory {
    settings: Settings,
    lambda: Lambda,
    book: Mutex<Book>,
    finished: Notify,
}

/// What decides whose list it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    region: Option<String>,
    endpoint: Option<String>,
    credentials: Credentials,
}

impl Settings {
    fn of(function: &Function) -> Self {
        let region = function.region.as_deref().or(function.name.region());
        Self {
            region: region.map(str::to_owned),
            endpoint: function.endpoint.clone(),
            credentials: function.credentials.clone(),
        }
    }
}

/// A function's own line in its directory.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) directory: Arc<Directory>,
    listed: Listed,
}

impl Entry {
    /// For a function that is called only while it is listed; `others` are directories that may serve it already.
    pub(crate) fn new<'d>(
        function: &Function,
        lambda: &Lambda,
        mut others: impl Iterator<Item = &'d Arc<Directory>>,
    ) -> Option<Self> {
        if !function.discover {
            return None;
        }
        let settings = Settings::of(function);
        let directory = match others.find(|known| known.settings == settings) {
            Some(known) => known.clone(),
            None => Arc::new(Directory {
                settings,
                lambda: lambda.clone(),
                book: Mutex::default(),
                finished: Notify::new(),
            }),
        };
        let version = function.name.qualifier().or(function.qualifier.as_deref()).unwrap_or("$LATEST");
        let listed = Listed { name: function.name.name().to_owned(), version: version.to_owned() };
        Some(Self { directory, listed })
    }

    /// Refuses a function that is not listed; waits, until `deadline` at most, only where there is no list yet.
    pub(crate) async fn check(&self, deadline: Instant) -> Result<(), Refusal> {
        let directory = &self.directory;
        loop {
            // From here on no end of a listing is missed.
            let mut finished = std::pin::pin!(directory.finished.notified());
            finished.as_mut().enable();
            let (verdict, begin) = directory.book().look(&self.listed, Instant::now(), random::draw());
            if begin {
                tokio::spawn(list(directory.clone()));
            }
            match verdict {
                Verdict::Listed => return Ok(()),
                Verdict::Absent => {
                    return Err(Refusal::from(Reason::NotFound).with_detail("the function is not listed"));
                }
                Verdict::Failed(error) => return Err(Refusal::from_invoke(&error)),
                Verdict::Coming => {
                    let waited = tokio::time::timeout_at(deadline, finished).await;
                    waited.map_err(|_| {
                        Refusal::from(Reason::Timeout).with_detail("no list of functions came in time")
                    })?;
                }
            }
        }
    }
}

impl Directory {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One listing, behind the requests.
async fn list(directory: Arc<Directory>) {
    // However this ends, the next listing can begin and no one waits on.
    let ending = Ending(&directory);
    let result = directory.lambda.list_functions(Instant::now() + PATIENCE).await;
    directory.book().end(result);
    drop(ending);
}

struct Ending<'a>(&'a Directory);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.book().running = false;
        self.0.finished.notify_waiters();
    }
}

/// The last good list, and what is known of the attempts.
#[derive(Debug, Default)]
struct Book {
    listed: Option<HashSet<Listed>>,
    /// When the last listing began, and when the next one is due.
    began: Option<(Instant, Instant)>,
    running: bool,
    failure: Option<Arc<InvokeError>>,
}

/// What a request is told.
#[derive(Debug)]
enum Verdict {
    Listed,
    Absent,
    /// There is no list yet, and one is on its way.
    Coming,
    Failed(Arc<InvokeError>),
}

impl Book {
    /// What to tell who asks for `wanted`, and whether a listing is to begin now.
    fn look(&mut self, wanted: &Listed, now: Instant, draw: u64) -> (Verdict, bool) {
        let known = self.listed.as_ref().map(|listed| listed.contains(wanted));
        let due = self.began.is_none_or(|(began, next)| match known {
            Some(true) => now >= next,
            Some(false) | None => now >= began + PAUSE,
        });
        let begin = due && !self.running;
        if begin {
            let jitter = PERIOD.mul_f64((draw >> 32) as f64 / f64::from(u32::MAX) / 4.0);
            self.began = Some((now, now + PERIOD + jitter));
            self.running = true;
        }
        let verdict = match (known, &self.failure) {
            (Some(true), _) => Verdict::Listed,
            (Some(false), _) => Verdict::Absent,
            (None, Some(error)) if !self.running => Verdict::Failed(error.clone()),
            (None, _) if self.running => Verdict::Coming,
            // A listing that ended without a word.
            (None, _) => Verdict::Failed(Arc::new(InvokeError::Unreachable {
                message: "the list of functions did not come".to_owned(),
                executed: Executed::No,
            })),
        };
        (verdict, begin)
    }

    fn end(&mut self, result: Result<Vec<Listed>, InvokeError>) {
        match result {
            Ok(listed) => {
                self.listed = Some(listed.into_iter().collect());
                self.failure = None;
            }
            Err(error) => {
                // Without a list, every request that fails for it says so in its own line.
                if self.listed.is_some() {
                    let line = format!("the list of functions stays as it was: {error}");
                    // No one to tell is no reason to end.
                    let _ = writeln!(std::io::stderr().lock(), "{line}");
                }
                self.failure = Some(Arc::new(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lambridge_invoke::{InvokeError, Listed};
    use tokio::time::Instant;

    use super::{Book, PAUSE, PERIOD, Verdict};

    fn entry(name: &str) -> Listed {
        Listed { name: name.into(), version: "$LATEST".into() }
    }

    /// What is told about `a` and whether a listing begins.
    fn check(book: &mut Book, now: Instant, expect: &str, begins: bool) {
        let (verdict, begin) = book.look(&entry("a"), now, u64::MAX);
        let told = match verdict {
            Verdict::Listed => "listed",
            Verdict::Absent => "absent",
            Verdict::Coming => "coming",
            Verdict::Failed(_) => "failed",
        };
        assert_eq!((told, begin), (expect, begins));
    }

    fn end(book: &mut Book, result: Result<Vec<Listed>, InvokeError>) {
        book.end(result);
        book.running = false;
    }

    #[test]
    fn a_list_is_used_while_the_next_one_comes() {
        let (mut book, start) = (Book::default(), Instant::now());
        check(&mut book, start, "coming", true);
        check(&mut book, start, "coming", false);
        end(&mut book, Ok(vec![entry("a"), entry("b")]));
        check(&mut book, start + PERIOD, "listed", false);
        let later = start + PERIOD * 2;
        check(&mut book, later, "listed", true);
        check(&mut book, later, "listed", false);
        end(&mut book, Err(InvokeError::NoRegion));
        check(&mut book, later + PAUSE, "listed", false);
        check(&mut book, later + PERIOD * 2, "listed", true);
        end(&mut book, Ok(vec![entry("b")]));
        check(&mut book, later + PERIOD * 2, "absent", false);
    }

    #[test]
    fn a_miss_asks_again_but_not_at_will() {
        let (mut book, start) = (Book::default(), Instant::now());
        check(&mut book, start, "coming", true);
        end(&mut book, Ok(vec![]));
        check(&mut book, start + PAUSE / 2, "absent", false);
        check(&mut book, start + PAUSE, "absent", true);
        end(&mut book, Ok(vec![entry("a")]));
        check(&mut book, start + PAUSE, "listed", false);
    }

    #[test]
    fn without_a_list_failures_are_told_and_not_repeated_at_will() {
        let (mut book, start) = (Book::default(), Instant::now());
        check(&mut book, start, "coming", true);
        end(&mut book, Err(InvokeError::NoRegion));
        check(&mut book, start + PAUSE / 2, "failed", false);
        check(&mut book, start + PAUSE, "coming", true);
        book.running = false;
        check(&mut book, start + PAUSE, "failed", false);
    }
}
