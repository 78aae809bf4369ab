//! Kubernetes objects: the Gateway API with kgateway's `Backend`, and Gloo Edge's `Upstream` and `VirtualService`.
//!
//! All objects of all files are one set, since they refer to each other by name. [`support`] has the tables, one an
//! API group; [`syntax`] takes objects apart by `apiVersion` and `kind`; [`lower`] resolves references and makes
//! model types.

pub mod lower;
pub mod support;
pub mod syntax;
