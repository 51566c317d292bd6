//! Policy documents as users hand them in and get them back.

use crate::error::{Error, Limit, Result};
use crate::quota::Quota;

/// The document as every answer carries it: percent-encoded as RFC 3986 says.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>
pub fn encode(document: &str) -> String {
    let mut encoded = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                encoded.push('%');
                encoded.push(char::from(HEX[usize::from(byte >> 4)]));
                encoded.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    encoded
}

/// Characters as quotas count them: white space is free.
pub fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// # Errors
/// `LimitExceeded` for a document over a quota of size.
pub fn check_size(document: &str, quota: Quota) -> Result<()> {
    if size(document) > quota.max() {
        return Err(Error::LimitExceeded(Limit::Quota(quota)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_unreserved_letters_are_encoded() {
        let check = |document: &str, expected: &str| assert_eq!(encode(document), expected);
        check(r#"{"a": "b*-._~"}"#, "%7B%22a%22%3A%20%22b%2A-._~%22%7D");
        check("é/+", "%C3%A9%2F%2B");
        check("", "");
    }

    #[test]
    fn white_space_is_free() {
        assert_eq!(size(" { \n \"é\" \t} "), 5);
    }
}
