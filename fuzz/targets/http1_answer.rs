#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambridge_fuzz::wire::answer(bytes));
