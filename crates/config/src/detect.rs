//! Which dialect a document is written in: it says so itself.
//!
//! `lambridge: 1` is native; `version` with `endpoints` is KrakenD; `apiVersion` with `kind` is Kubernetes; `routes`
//! without a marker is runway.

use crate::document::{Node, ScalarKind};
use crate::report::{Report, quoted};

/// What [`detect`] can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Native,
    Runway,
    Krakend,
    Kubernetes,
}

/// The dialect of a document, or `None` when it was reported as unknown.
pub fn detect(root: &Node, report: &mut Report) -> Option<Dialect> {
    let Some(_) = root.as_map() else {
        let message = format!("a configuration is a map, not {}", root.kind_name());
        report.error(&root.span, message).help("a native document begins with `lambridge: 1`");
        return None;
    };
    if let Some(version) = root.get("lambridge") {
        let one =
            version.as_scalar().is_some_and(|scalar| scalar.kind == ScalarKind::Number && scalar.text == "1");
        if !one {
            let message = match version.as_scalar() {
                Some(scalar) => {
                    format!("version {} of the native dialect is not known", quoted(&scalar.text))
                }
                None => format!("the version of the native dialect is a number, not {}", version.kind_name()),
            };
            report.error(&version.span, message).help("write `lambridge: 1`");
            // The rest is read all the same, so that its errors are told too.
        }
        return Some(Dialect::Native);
    }
    let has = |key: &str| root.get(key).is_some();
    if has("apiVersion") && has("kind") {
        return Some(Dialect::Kubernetes);
    }
    if has("version") && has("endpoints") {
        return Some(Dialect::Krakend);
    }
    if has("routes") && !has("functions") {
        return Some(Dialect::Runway);
    }
    report
        .error(root.head(), "this document does not say what it is")
        .help("a native document begins with `lambridge: 1`");
    None
}
