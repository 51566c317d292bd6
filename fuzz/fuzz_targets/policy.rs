#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| iam::policy::hostile::judge(data));
