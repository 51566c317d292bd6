#![no_main]

use journal::{JournalId, read_frames};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let bytes = bytes::Bytes::copy_from_slice(data);
    let _ = read_frames(JournalId([0; 16]), &bytes);
});
