//! The end of a form's file, found while it passes.

use bytes::{Bytes, BytesMut};

/// Gives out a file's bytes up to the delimiter that ends it, holding back no more than could
/// be the delimiter's beginning.
pub struct FileScanner {
    delimiter: Vec<u8>,
    held: BytesMut,
    ended: bool,
}

impl FileScanner {
    pub fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { delimiter, held: BytesMut::new(), ended: false }
    }

    /// Whether the file's end has passed; what comes later is not the file's.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The bytes that are now known to be the file's.
    pub fn push(&mut self, bytes: Bytes) -> Bytes {
        if self.ended {
            return Bytes::new();
        }
        let bytes = if self.held.is_empty() {
            bytes
        } else {
            self.held.extend_from_slice(&bytes);
            self.held.split().freeze()
        };
        if let Some(end) = super::multipart::find(&bytes, &self.delimiter) {
            self.ended = true;
            return bytes.slice(..end);
        }
        let sure = bytes.len() - self.begun(&bytes);
        self.held.extend_from_slice(&bytes[sure..]);
        bytes.slice(..sure)
    }

    /// How many bytes at the end may be the delimiter's first.
    fn begun(&self, bytes: &[u8]) -> usize {
        let longest = bytes.len().min(self.delimiter.len() - 1);
        (1..=longest)
            .rev()
            .find(|&count| self.delimiter.starts_with(&bytes[bytes.len() - count..]))
            .unwrap_or(0)
    }

    /// The length of a form's file when nothing follows it, which is how most forms end.
    /// The most it can be: `rest` is all of the body after the file's head.
    pub fn bytes_at_most(&self, rest: u64) -> u64 {
        let closing = self.delimiter.len() as u64 + 2;
        rest.saturating_sub(closing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_at_its_delimiter_however_it_arrives() {
        let check = |file: &[u8], after: &str| {
            let body = [file, b"\r\n--B", after.as_bytes()].concat();
            for size in [1, 2, 3, 5, body.len()] {
                let mut scanner = FileScanner::new("B");
                let pieces = body
                    .chunks(size)
                    .map(|piece| scanner.push(Bytes::copy_from_slice(piece)).to_vec());
                let got: Vec<u8> = pieces.collect::<Vec<_>>().concat();
                assert_eq!(got, file, "{size}");
                assert!(scanner.ended());
            }
        };
        check(b"", "--\r\n");
        check(b"hello", "--\r\n");
        check(b"\r\n--", "--");
        check(b"\r\n-\r\n--\r\n--A\r", "\r\nmore\r\n--B--\r\n");
    }

    #[test]
    fn the_usual_end_says_the_length() {
        let scanner = FileScanner::new("B");
        let rest = "hello\r\n--B--\r\n".len() as u64;
        assert_eq!(scanner.bytes_at_most(rest), 5 + 2, "the last line's end may be missing");
        assert_eq!(scanner.bytes_at_most(3), 0);
    }
}
