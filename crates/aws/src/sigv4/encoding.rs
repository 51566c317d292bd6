//! Percent-encoding as AWS wants it, hexadecimal, and comparing in constant time.

use std::borrow::Cow;

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const UPPER_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `bytes` percent-encoded: all but the unreserved characters of RFC 3986.
pub(super) fn push_encoded(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        if is_unreserved(byte) {
            out.push(byte);
        } else {
            push_escape(out, byte);
        }
    }
}

/// Appends a path percent-encoded: as [`push_encoded`], with slashes left as they are.
pub(super) fn push_encoded_path(out: &mut Vec<u8>, path: &[u8]) {
    for &byte in path {
        if is_unreserved(byte) || byte == b'/' {
            out.push(byte);
        } else {
            push_escape(out, byte);
        }
    }
}

pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let high = UPPER_DIGITS[usize::from(byte >> 4)];
    let low = UPPER_DIGITS[usize::from(byte & 15)];
    out.extend_from_slice(&[b'%', high, low]);
}

/// Undoes percent-encoding; a plus stays a plus. `None` for a `%` without two hex digits.
pub fn decode(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(b'%', text).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (high, low) = (hex_digit(*after.first()?)?, hex_digit(*after.get(1)?)?);
            out.push(high << 4 | low);
            rest = &after[2..];
        } else {
            out.push(byte);
            rest = after;
        }
    }
    Some(Cow::Owned(out))
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The hexadecimal SHA-256 of `bytes`.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// Whether two signatures are the same text. How long it takes tells nothing but their length.
pub fn constant_time_equal(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_keeps_the_plus_and_refuses_half_escapes() {
        let check = |text: &str, expected: Option<&[u8]>| {
            assert_eq!(decode(text.as_bytes()).as_deref(), expected, "{text}");
        };
        check("a+b", Some(b"a+b"));
        check("a%2bb%2F", Some(b"a+b/"));
        check("%ff%00", Some(b"\xff\0"));
        check("", Some(b""));
        check("%", None);
        check("a%2", None);
        check("%zz", None);
        check("%+1", None);
    }

    #[test]
    fn encoding_escapes_all_but_the_unreserved() {
        let mut out = Vec::new();
        push_encoded(&mut out, "az AZ09-_.~/+%é".as_bytes());
        assert_eq!(out, b"az%20AZ09-_.~%2F%2B%25%C3%A9");
        out.clear();
        push_encoded_path(&mut out, b"/a b/");
        assert_eq!(out, b"/a%20b/");
    }

    #[test]
    fn hexadecimal_is_lower_case() {
        assert_eq!(hex(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(sha256_hex(b""), super::super::EMPTY_SHA256);
    }
}
