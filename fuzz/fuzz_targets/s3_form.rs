#![no_main]

use bytes::Bytes;
use s3::form::{Claimed, FileScanner, PostPolicy, boundary, read_opening};

// A form's head, policy and file, in whatever pieces the file arrives.
libfuzzer_sys::fuzz_target!(|data: (&str, &[u8], u8)| {
    let (content_type, body, size) = data;
    let boundary = boundary(content_type).unwrap_or_else(|_| "B".into());
    if let Ok(Some(opening)) = read_opening(&boundary, body) {
        let _ = Claimed::read(&opening.fields);
        if let Some(policy) = opening.fields.get("policy") {
            let _ = PostPolicy::parse(policy);
        }
        let file = &body[opening.bytes..];
        let mut scanner = FileScanner::new(&boundary);
        let pieces = file.chunks(usize::from(size).max(1));
        let pieces = pieces.map(|piece| scanner.push(Bytes::copy_from_slice(piece)).to_vec());
        let passed = pieces.collect::<Vec<_>>().concat();
        let mut at_once = FileScanner::new(&boundary);
        let whole = at_once.push(Bytes::copy_from_slice(file));
        assert_eq!(passed, whole, "a file does not depend on how it arrives");
        assert_eq!(scanner.ended(), at_once.ended());
    }
});
