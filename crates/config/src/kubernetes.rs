//! Kubernetes objects: the Gateway API with kgateway's `Backend`, and Gloo Edge's `Upstream` and `VirtualService`.
//!
//! All objects of all files are one [`set`], since they refer to each other by group, kind, namespace and name, whatever
//! file they stand in. [`syntax`] takes objects apart by `apiVersion` and `kind`; [`support`] has one table a kind;
//! [`lower`] resolves references and makes model types. Nothing here knows where objects come from: a folder of
//! manifests and the answer of a cluster are the same set.
//!
//! Kinds of other groups, and those of the core that have nothing to do with requests, are read over with a warning.
//! Unknown kinds of the groups that are served here are refused by name, since a policy that is left out silently is a
//! door left open.

pub mod lower;
mod set;
pub mod support;
pub mod syntax;
