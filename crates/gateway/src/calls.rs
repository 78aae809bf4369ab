//! How often a route's requests called functions, and how often that failed: the numbers of the admin's `/lambda`.
//!
//! A request counts when its route is found, a call when it is about to be made (its retries are part of it), an error
//! when the client gets an error answer instead of a function's. Counts are kept over a reload while the route has its id and
//! calls the same functions. The names of the numbers are those of runway's document "AWS Lambda Backend".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::compile::CompiledRoute;

/// The counts of one route.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// The functions that it calls, by name as configured.
    functions: String,
    requests: AtomicU64,
    errors: AtomicU64,
    invokes: AtomicU64,
}

impl Calls {
    /// The counts of a route that calls these functions: those that it had `earlier` if it called the same then.
    pub(crate) fn of(functions: String, earlier: Option<&Arc<Self>>) -> Arc<Self> {
        let kept = earlier.filter(|calls| calls.functions == functions).cloned();
        kept.unwrap_or_else(|| Arc::new(Self { functions, ..Self::default() }))
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn invoke(&self) {
        self.invokes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Serialize)]
struct Row<'a> {
    function_name: &'a str,
    total_requests: u64,
    total_errors: u64,
    total_invokes: u64,
}

/// All counts as JSON by route id, ending in a line break; `{}` where no route calls a function.
pub(crate) fn report(routes: &[CompiledRoute]) -> String {
    let mut rows = BTreeMap::new();
    for route in routes {
        let Some(calls) = &route.tally.calls else { continue };
        let row = Row {
            function_name: &calls.functions,
            total_requests: calls.requests.load(Ordering::Relaxed),
            total_errors: calls.errors.load(Ordering::Relaxed),
            total_invokes: calls.invokes.load(Ordering::Relaxed),
        };
        rows.insert(&*route.tally.id, row);
    }
    let mut text = serde_json::to_string(&rows).unwrap_or_else(|_| "{}".to_owned());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Calls, report};
    use crate::compile::{CompiledRoute, CompiledTarget};
    use crate::metrics::Tally;

    fn route(id: &str, calls: Option<Arc<Calls>>) -> CompiledRoute {
        let target = CompiledTarget::Static {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        CompiledRoute {
            tally: Arc::new(Tally { id: id.into(), calls, metrics: Arc::default() }),
            template: None,
            parameters: Vec::new(),
            target,
            canary: None,
            script: None,
            errors: lambridge_model::Errors::Native,
            edits: None,
            limiter: None,
            body_max: 0,
        }
    }

    #[test]
    fn reports() {
        assert_eq!(report(&[]), "{}\n");
        assert_eq!(report(&[route("static", None)]), "{}\n");
        let calls = Calls::of("shop".to_owned(), None);
        calls.request();
        calls.request();
        calls.invoke();
        calls.error();
        let quiet = Calls::of("x, y".to_owned(), None);
        let expect = concat!(
            r#"{"a \"b\"":{"function_name":"x, y","total_requests":0,"total_errors":0,"total_invokes":0},"#,
            r#""b":{"function_name":"shop","total_requests":2,"total_errors":1,"total_invokes":1}}"#,
            "\n"
        );
        assert_eq!(report(&[route("b", Some(calls)), route("a \"b\"", Some(quiet))]), expect);
    }

    #[test]
    fn counts_outlive_a_reload_while_the_route_calls_the_same() {
        let calls = Calls::of("shop".to_owned(), None);
        calls.request();
        assert!(Arc::ptr_eq(&Calls::of("shop".to_owned(), Some(&calls)), &calls));
        assert!(!Arc::ptr_eq(&Calls::of("other".to_owned(), Some(&calls)), &calls));
        assert!(!Arc::ptr_eq(&Calls::of("shop".to_owned(), None), &calls));
    }
}
