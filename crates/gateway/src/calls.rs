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
    /// The counts of the route `id`: those it had in `earlier` if it called the same functions then.
    pub(crate) fn of(id: &str, functions: String, earlier: &[CompiledRoute]) -> Arc<Self> {
        let kept = earlier
            .iter()
            .find(|route| *route.id == *id)
            .and_then(|route| route.calls.clone())
            .filter(|calls| calls.functions == functions);
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
        let Some(calls) = &route.calls else { continue };
        let row = Row {
            function_name: &calls.functions,
            total_requests: calls.requests.load(Ordering::Relaxed),
            total_errors: calls.errors.load(Ordering::Relaxed),
            total_invokes: calls.invokes.load(Ordering::Relaxed),
        };
        rows.insert(&*route.id, row);
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

    fn route(id: &str, calls: Option<Arc<Calls>>) -> CompiledRoute {
        let target = CompiledTarget::Static {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        CompiledRoute {
            id: id.into(),
            template: None,
            parameters: Vec::new(),
            target,
            script: None,
            errors: lambridge_model::Errors::Native,
            calls,
        }
    }

    #[test]
    fn reports() {
        assert_eq!(report(&[]), "{}\n");
        assert_eq!(report(&[route("static", None)]), "{}\n");
        let calls = Calls::of("b", "shop".to_owned(), &[]);
        calls.request();
        calls.request();
        calls.invoke();
        calls.error();
        let quiet = Calls::of("a \"b\"", "x, y".to_owned(), &[]);
        let expect = concat!(
            r#"{"a \"b\"":{"function_name":"x, y","total_requests":0,"total_errors":0,"total_invokes":0},"#,
            r#""b":{"function_name":"shop","total_requests":2,"total_errors":1,"total_invokes":1}}"#,
            "\n"
        );
        assert_eq!(report(&[route("b", Some(calls)), route("a \"b\"", Some(quiet))]), expect);
    }

    #[test]
    fn counts_outlive_a_reload_while_the_route_calls_the_same() {
        let calls = Calls::of("a", "shop".to_owned(), &[]);
        calls.request();
        let earlier = [route("b", None), route("a", Some(Arc::clone(&calls)))];
        assert!(Arc::ptr_eq(&Calls::of("a", "shop".to_owned(), &earlier), &calls));
        assert!(!Arc::ptr_eq(&Calls::of("a", "other".to_owned(), &earlier), &calls));
        assert!(!Arc::ptr_eq(&Calls::of("b", "shop".to_owned(), &earlier), &calls));
    }
}
