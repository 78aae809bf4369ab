//! For tests of what runs where the processor lacks the instructions.

use std::cell::Cell;

thread_local! {
    static OFF: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn is_off() -> bool {
    OFF.get()
}

/// Runs `test` as it is, and as on a processor without the instructions.
pub(crate) fn with_and_without(test: impl Fn()) {
    test();
    OFF.set(true);
    test();
    OFF.set(false);
}
