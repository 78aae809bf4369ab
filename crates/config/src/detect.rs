//! Which dialect a document is written in: it says so itself.
//!
//! `lambridge: 1` is native; `version` with `endpoints` is KrakenD; `apiVersion` with `kind` is Kubernetes; `routes`
//! without a marker is runway. A document of a dialect that is not read yet is refused by name.

use crate::document::{Node, ScalarKind};
use crate::report::{Report, quoted};

/// What [`detect`] can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Native,
}

/// The dialect of a document, or `None` when it was reported as unknown or not supported.
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
        refuse("a Kubernetes manifest", root, report);
    } else if has("version") && has("endpoints") {
        refuse("a KrakenD configuration", root, report);
    } else if has("routes") && !has("functions") && !has("listeners") {
        refuse("a runway configuration (`routes` without a marker)", root, report);
    } else {
        report
            .error(root.head(), "this document does not say what it is")
            .help("a native document begins with `lambridge: 1`");
    }
    None
}

fn refuse(what: &str, root: &Node, report: &mut Report) {
    report
        .error(root.head(), format!("this is {what}, which is not supported yet"))
        .help("write it in the native dialect, which begins with `lambridge: 1`");
}
