//! What functions there are: ListFunctions and ListAliases, all their pages.
//!
//! A list is read to its end or not at all: half a list would look as if functions had been deleted. Bounds keep an endpoint
//! that answers without end from filling the memory: [`PAGES_MAX`] pages of [`SYNC_PAYLOAD`] bytes at most, of which only
//! names and versions are kept.
//!
//! Source: ListFunctions and ListAliases API reference.

use bytes::Bytes;
use http::Method;
use lambridge_wire::limits::SYNC_PAYLOAD;
use lambridge_wire::list::{self as wire, AliasesPage, FunctionsPage};
use lambridge_wire::name::FunctionName;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::lambda::Outgoing;
use crate::{InvokeError, Invoked, Lambda};

/// Pages of one list; with 50 entries on each, more versions than an account holds.
const PAGES_MAX: usize = 2000;
/// Bytes of all pages of one list together.
const BYTES_MAX: usize = 256 << 20;
/// A marker that is longer does not fit into a request line that others read.
const MARKER_MAX: usize = 8192;

/// A version of a function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listed {
    /// The bare name.
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
}

/// An alias of a function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListedAlias {
    /// The alias.
    pub name: String,
    /// The version that it leads to.
    pub version: String,
}

impl Lambda {
    /// All versions of all functions of this client's account and region, in Lambda's order. Everything ends at `deadline`.
    pub async fn list_functions(&self, deadline: Instant) -> Result<Vec<Listed>, InvokeError> {
        let page = |page: FunctionsPage| {
            let entries = page.functions.into_iter();
            let listed = entries.map(|one| Listed { name: one.function_name, version: one.version });
            (listed.collect(), page.next_marker)
        };
        self.all_pages(wire::functions_path, page, deadline).await
    }

    /// All aliases of the function `name`, whose qualifier, if any, is not sent.
    pub async fn list_aliases(
        &self,
        name: &FunctionName,
        deadline: Instant,
    ) -> Result<Vec<ListedAlias>, InvokeError> {
        let name = name.unqualified().to_string();
        let page = |page: AliasesPage| {
            let entries = page.aliases.into_iter();
            let listed = entries.map(|one| ListedAlias { name: one.name, version: one.function_version });
            (listed.collect(), page.next_marker)
        };
        self.all_pages(|marker| wire::aliases_path(&name, marker), page, deadline).await
    }

    async fn all_pages<P: DeserializeOwned, T>(
        &self,
        path: impl Fn(Option<&str>) -> String,
        read: impl Fn(P) -> (Vec<T>, Option<String>),
        deadline: Instant,
    ) -> Result<Vec<T>, InvokeError> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        let mut bytes = 0;
        for _ in 0..PAGES_MAX {
            let path_and_query = path(marker.as_deref());
            let outgoing = Outgoing {
                method: Method::GET,
                path_and_query: &path_and_query,
                headers: &[],
                payload: Bytes::new(),
                trace_id: None,
                kept: None,
            };
            let answer = self.send(&outgoing, deadline).await?;
            bytes += answer.payload.len();
            if bytes > BYTES_MAX {
                return Err(InvokeError::AnswerTooLarge { limit: BYTES_MAX });
            }
            let page = serde_json::from_slice(&answer.payload)
                .map_err(|error| malformed(&answer, format!("the list cannot be read: {error}")))?;
            let (entries, next) = read(page);
            all.extend(entries);
            match next.filter(|next| !next.is_empty()) {
                None => return Ok(all),
                Some(next) if next.len() > MARKER_MAX => {
                    return Err(malformed(&answer, "the list's marker is too long".to_owned()));
                }
                Some(next) if marker.as_ref() == Some(&next) => {
                    return Err(malformed(&answer, "the list repeats a page".to_owned()));
                }
                Some(next) => marker = Some(next),
            }
        }
        Err(InvokeError::AnswerTooLarge { limit: PAGES_MAX * SYNC_PAYLOAD })
    }
}

/// Lambda took the request, and its answer is none.
fn malformed(answer: &Invoked, message: String) -> InvokeError {
    let (status, kind) = (answer.status, "MalformedAnswer".to_owned());
    InvokeError::Service { status, kind, message, request_id: answer.request_id.clone() }
}
