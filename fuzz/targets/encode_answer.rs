#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambridge_fuzz::application_answer(bytes));
