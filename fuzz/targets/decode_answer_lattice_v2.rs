#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambridge_fuzz::answer(lambridge_event::Format::LatticeV2, bytes));
