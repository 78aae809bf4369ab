//! How often the codecs allocate: at most one new buffer for a body, and none at all where it is plain text.
//!
//! Only large allocations are counted (half the size of the body or more), so that the counts say what happens to the body and nothing
//! of the small lists beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]
#![allow(unsafe_code, reason = "an allocator cannot be written without; this one counts and hands on")]

#[path = "codec/context.rs"]
mod context;

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::cell::Cell;

use context::CONTEXT;
use lambridge_event::{
    Answer, Format, Kind, Request, decode_answer, decode_request, encode_answer, encode_request,
};

struct Counting;

thread_local! {
    static LARGE: Cell<usize> = const { Cell::new(0) };
    static ALL: Cell<usize> = const { Cell::new(0) };
}

const BODY: usize = 1 << 20;

fn count(size: usize) {
    // `try_with`: the thread may be ending.
    let _ = ALL.try_with(|all| all.set(all.get() + 1));
    if size >= BODY / 2 {
        let _ = LARGE.try_with(|large| large.set(large.get() + 1));
    }
}

// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Large and all allocations of `run`.
fn counted<T>(run: impl FnOnce() -> T) -> (usize, usize, T) {
    let before = (LARGE.get(), ALL.get());
    let result = run();
    (LARGE.get() - before.0, ALL.get() - before.1, result)
}

/// Bodies of one megabyte: text without escapes, text with them, and bytes; with the buffers that decoding each costs.
fn bodies() -> [(&'static str, Vec<u8>, usize); 3] {
    [
        ("text/plain", vec![b'x'; BODY], 0),
        ("application/json", b"{\"key\": \"value\"}\n".repeat(BODY / 17 + 1), 1),
        ("image/png", (0..=255).cycle().take(BODY).collect(), 1),
    ]
}

#[test]
fn a_request_body_costs_one_buffer_at_most() {
    for (media, body, buffers) in bodies() {
        let headers = [(&b"content-type"[..], media.as_bytes())];
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: &body };
        for format in [Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue, Format::LatticeV2]
        {
            let mut event = Vec::with_capacity(2 * BODY);
            let (large, all, ()) = counted(|| encode_request(format, &request, &CONTEXT, &mut event));
            assert_eq!(large, 0, "encoding {media} as {format:?} copies the body beside the output");
            assert!(all <= 6, "encoding {media} as {format:?} took {all} allocations");
            let (large, all, received) = counted(|| decode_request(&event).unwrap());
            assert_eq!(received.body, body);
            assert_eq!(large, buffers, "decoding {media} from {format:?}");
            assert!(all <= 3, "decoding {media} from {format:?} took {all} allocations");
        }
    }
}

#[test]
fn an_answer_body_costs_one_buffer_at_most() {
    for (media, body, buffers) in bodies() {
        let headers = vec![(Cow::Borrowed(&b"content-type"[..]), Cow::Borrowed(media.as_bytes()))];
        let answer = Answer { status: 200, headers, body: Cow::Borrowed(&body) };
        for (kind, format) in [
            (Kind::HttpV2, Format::HttpV2),
            (Kind::RestV1, Format::RestV1),
            (Kind::Alb, Format::Alb),
            (Kind::AlbMultiValue, Format::AlbMultiValue),
            (Kind::LatticeV2, Format::LatticeV2),
        ] {
            let mut payload = Vec::with_capacity(2 * BODY);
            let (large, ..) = counted(|| encode_answer(kind, &answer, &mut payload));
            assert_eq!(large, 0, "encoding {media} for {kind:?} copies the body beside the output");
            let (large, all, found) = counted(|| decode_answer(format, &payload).unwrap());
            assert_eq!(found.body, body);
            assert_eq!(large, buffers, "decoding {media} from {format:?}");
            assert!(all <= 3, "decoding {media} from {format:?} took {all} allocations");
        }
    }
}
