#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aws::protocol::hostile::read(aws::Protocol::RestXml, data));
