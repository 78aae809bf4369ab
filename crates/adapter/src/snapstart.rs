//! SnapStart: the application's hooks around the snapshot.
//!
//! ```text
//! application is up ─▶ POST before ─▶ /restore/next … snapshot … restored ─▶ POST after ─▶ up again? ─▶ first event
//! ```
//!
//! Each hook is an empty `POST` with a minute to answer 2xx; anything else fails the phase, for a snapshot of an
//! application that is not prepared for it would be started again and again. Connections do not outlive a snapshot, so
//! each call has one of its own.
//!
//! Nobody else may call a hook: a request whose path leads there is answered 403 and not sent on. A path is compared as
//! lenient servers read it: percent-decoded once, without parameters (`;x`), empty and dot segments, and without case.
//!
//! Source: "AWS_LWA_SNAPSTART_…" of the documentation of AWS Lambda Web Adapter (main branch, 2026), and "Runtime hooks
//! for Lambda SnapStart" of the Lambda developer guide.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request};

use crate::app::App;
use crate::payload::Payload;
use crate::request::configured_target;
use crate::runtime::{ApiError, Client};
use crate::settings::{Endpoint, Settings};
use crate::spare::Spare;
use crate::{Shared, readiness};

/// Of one hook.
const HOOK: Duration = Duration::from_secs(60);

/// The hooks that the settings name.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Lambda takes a snapshot of this sandbox.
    pub snapshot: bool,
    /// Before it is taken.
    pub before: Option<Hook>,
    /// After a sandbox is made from it.
    pub after: Option<Hook>,
}

/// The path of one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    path: String,
    canonical: Vec<u8>,
}

/// Which phase failed, and why.
#[derive(Debug, thiserror::Error)]
pub enum SnapError {
    /// Before the snapshot.
    #[error("before the snapshot: {0}")]
    Before(String),
    /// After it.
    #[error("after the restore: {0}")]
    After(String),
    /// In between.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl Hook {
    /// `None` when there is no telling which requests would lead there: the root, or an escape that stays one.
    pub fn new(path: &str) -> Option<Hook> {
        let canonical = canonical(path);
        let clear = path.starts_with('/') && !canonical.is_empty() && !canonical.contains(&b'%');
        clear.then(|| Hook { path: path.to_owned(), canonical })
    }
}

impl Hooks {
    /// Whether a request for this path would call a hook.
    pub fn guards(&self, path: &str) -> bool {
        if self.before.is_none() && self.after.is_none() {
            return false;
        }
        let canonical = canonical(path);
        [&self.before, &self.after].into_iter().flatten().any(|hook| hook.canonical == canonical)
    }
}

/// Goes through the snapshot, if one is taken and the application has a hook; the API is told what went wrong.
pub(crate) async fn pass(api: &Endpoint, shared: &Shared) -> Result<(), SnapError> {
    let hooks = &shared.settings.snapstart;
    if !hooks.snapshot || (hooks.before.is_none() && hooks.after.is_none()) {
        return Ok(());
    }
    let mut client = Client::new(api.clone(), Spare::one_of(1))?;
    if let Err(error) = call(hooks.before.as_ref(), &shared.settings).await.map_err(SnapError::Before) {
        let _ = client.fail_init("Function.BeforeCheckpointFailed", &error.to_string()).await;
        return Err(error);
    }
    client.restored().await?;
    if let Err(error) = after(shared).await.map_err(SnapError::After) {
        let _ = client.fail_restore("Function.AfterRestoreFailed", &error.to_string()).await;
        return Err(error);
    }
    Ok(())
}

async fn after(shared: &Shared) -> Result<(), String> {
    call(shared.settings.snapstart.after.as_ref(), &shared.settings).await?;
    let bound = shared.settings.readiness.timeout.unwrap_or(HOOK);
    tokio::time::timeout(bound, readiness::wait(&shared.settings.readiness, shared.log))
        .await
        .map_err(|_| format!("the application was not ready within {bound:?}"))
}

async fn call(hook: Option<&Hook>, settings: &Settings) -> Result<(), String> {
    let Some(Hook { path, .. }) = hook else { return Ok(()) };
    let target = configured_target(path).ok_or_else(|| format!("`{path}` is no path"))?;
    let mut request = Request::new(Payload::empty());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target;
    request.headers_mut().insert(HOST, settings.app.authority.clone());
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    let mut app = App::new(settings.app.clone(), Duration::ZERO);
    match tokio::time::timeout(HOOK, app.send(request)).await {
        Ok(Ok(answer)) if answer.status.is_success() => Ok(()),
        Ok(Ok(answer)) => Err(format!("`{path}` answers {}", answer.status.as_u16())),
        Ok(Err(error)) => Err(format!("`{path}`: {error}")),
        Err(_) => Err(format!("`{path}` did not answer within {HOOK:?}")),
    }
}

/// The segments that a path leads through, each with a slash in front; empty for the root.
fn canonical(path: &str) -> Vec<u8> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments: Vec<&[u8]> = Vec::new();
    let decoded = decode(path.as_bytes());
    for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment.split(|byte| *byte == b';').next().unwrap_or_default() {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    segments.iter().flat_map(|segment| [b"/", *segment]).flatten().map(u8::to_ascii_lowercase).collect()
}

/// Percent-decoded once; what is no escape stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, more)) = rest.split_first() {
        let escape = match more {
            [high, low, ..] if *first == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        if let Some((high, low)) = escape {
            out.push(high * 16 + low);
            rest = &more[2..];
        } else {
            out.push(*first);
            rest = more;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_to_a_hook() {
        let hooks = Hooks { before: Hook::new("/hooks/before"), ..Hooks::default() };
        for (path, expect) in [
            ("/hooks/before", true),
            ("/hooks/before/", true),
            ("//hooks//before", true),
            ("/hooks/./x/../before", true),
            ("/../hooks/before", true),
            ("/hooks/%62efore", true),
            ("/hooks%2Fbefore", true),
            ("/hooks/before;a=b", true),
            ("/hooks;x/before", true),
            ("/HOOKS/Before", true),
            ("\\hooks\\before", true),
            ("/hooks/before?x", true),
            ("/hooks/%2562efore", false),
            ("/hooks/before/x", false),
            ("/hooks", false),
            ("/hooks/befor%", false),
            ("/", false),
        ] {
            assert_eq!(hooks.guards(path), expect, "{path}");
        }
        assert!(!Hooks::default().guards("/hooks/before"));
    }

    #[test]
    fn paths_that_a_hook_can_have() {
        for (path, expect) in [
            ("/a", true),
            ("/a%20b", true),
            ("/a?x=1", true),
            ("/", false),
            ("/a/..", false),
            ("a", false),
            ("/%2561", false),
            ("/a%", false),
        ] {
            assert_eq!(Hook::new(path).is_some(), expect, "{path}");
        }
    }
}
