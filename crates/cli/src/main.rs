//! The `lambridge` command.
fn main() {}
