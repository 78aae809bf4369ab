//! The dialect of runway: `routes` without a marker.
//!
//! Three steps, each in its file, as in every dialect: [`support`] is the table of every key; [`syntax`] takes a
//! document apart along that table; [`lower`] makes model types of it.

pub mod lower;
pub mod support;
mod switch;
pub mod syntax;
