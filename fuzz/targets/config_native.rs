#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambridge_fuzz::configuration("lambridge.yaml", bytes));
