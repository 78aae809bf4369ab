//! The native dialect: `lambridge: 1`.
//!
//! Three steps, each in its file: [`support`] is the table of every key; [`syntax`] takes a document apart along that
//! table, so that no key is dropped silently; [`lower`] makes model types of it, which cannot be wrong.
//! [`print`] is the way back: any model as a native document. [`schema`] is the table for editors.

pub mod lower;
pub mod print;
pub mod schema;
pub mod support;
pub mod syntax;
