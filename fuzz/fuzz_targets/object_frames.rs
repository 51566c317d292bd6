#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = objects::check_frame(&bytes::Bytes::copy_from_slice(data));
});
