#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aws::sigv4::fuzz::chunks(data));
