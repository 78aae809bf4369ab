//! The dialect of KrakenD: `version: 3` with `endpoints`.
//!
//! Three steps, each in its file, as in every dialect: [`support`] is the table of every key; [`syntax`] takes a
//! document apart along that table; [`lower`] makes model types of it. [`alias`] knows the namespaces' long names.
//!
//! Served are endpoints with one backend that calls a Lambda function. Where KrakenD's documents and its code differ, its
//! code is followed, since the files in use depend on it: a function's name from the path keeps its case, and the backend's
//! method decides about the payload.

mod alias;
pub mod lower;
pub mod support;
pub mod syntax;
