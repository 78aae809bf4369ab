//! Randomness of the request path: request ids, weighted choice, jitter. Nothing secret depends on it.
//!
//! One SplitMix64 per thread, seeded from the operating system; the functions that use a draw take it as an
//! argument, so tests need no seed.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<u64> = Cell::new(getrandom::u64().unwrap_or_else(|_| {
        // Without entropy, ids stay distinct per thread and address; nothing else is asked of them.
        let here = 0_u8;
        std::ptr::from_ref(&here).addr() as u64
    }));
}

/// 64 random bits.
pub(crate) fn draw() -> u64 {
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mut z = next;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
