//! `encoding-type=url`: keys may hold characters that XML cannot.

use std::fmt::Write;

use aws::Error;

use crate::error::invalid_argument;

/// How keys and prefixes of an answer are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    /// # Errors
    /// `InvalidArgument` for any other word than `url`.
    pub(crate) fn parse(asked: Option<&str>) -> Result<Self, Error> {
        match asked {
            None => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(other) => Err(invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                other,
            )),
        }
    }

    pub(crate) fn name(self) -> Option<String> {
        (self == Self::Url).then(|| "url".to_owned())
    }

    /// Slashes stay. A space is `%20`, which clients that decode `+` and those that do not
    /// read alike.
    pub(crate) fn apply(self, text: &str) -> String {
        if self == Self::Plain {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                    out.push(char::from(byte));
                }
                _ => write!(out, "%{byte:02X}").expect("writing to a string cannot fail"),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_and_urls_cannot_carry_is_escaped() {
        assert_eq!(Encoding::Url.apply("a/b c+d\u{1}é(3).png"), "a/b%20c%2Bd%01%C3%A9%283%29.png");
        assert_eq!(Encoding::Plain.apply("a b"), "a b");
        assert!(Encoding::parse(Some("base64")).is_err());
    }
}
