//! The tags of an object: their form, and the header that gives them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>

use aws::Error;
use aws::protocol::percent_decode;

use crate::error::invalid_argument;

pub(crate) type Tags = Vec<(String, String)>;

const TAGS_MAX: usize = 10;
const KEY_LETTERS_MAX: usize = 128;
const VALUE_LETTERS_MAX: usize = 256;

/// # Errors
/// `BadRequest` for too many, `InvalidTag` for one that is none or comes twice.
pub(crate) fn check(tags: &Tags) -> Result<(), Error> {
    if tags.len() > TAGS_MAX {
        return Err(Error::client(400, "BadRequest", "Object tags cannot be greater than 10"));
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        if tags[..at].iter().any(|(known, _)| known == key) {
            let message = "Cannot provide multiple Tags with the same key";
            return Err(invalid_tag(message).with_detail("TagKey", key));
        }
        if key.is_empty() || key.chars().count() > KEY_LETTERS_MAX || !has_letters_of_tags(key) {
            let message = "The TagKey you have provided is invalid";
            return Err(invalid_tag(message).with_detail("TagKey", key));
        }
        if key.starts_with("aws:") {
            let message = "System tags cannot be added/updated by requester";
            return Err(invalid_tag(message).with_detail("TagKey", key));
        }
        if value.chars().count() > VALUE_LETTERS_MAX || !has_letters_of_tags(value) {
            let message = "The TagValue you have provided is invalid";
            return Err(invalid_tag(message)
                .with_detail("TagKey", key)
                .with_detail("TagValue", value));
        }
    }
    Ok(())
}

/// Reads `x-amz-tagging`: `a=1&b=2`, percent-encoded.
///
/// # Errors
/// `InvalidArgument` for another form, and those of [`check`].
pub(crate) fn read_header(header: Option<&str>) -> Result<Tags, Error> {
    let Some(header) = header else { return Ok(Tags::new()) };
    let malformed = || {
        invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
            "x-amz-tagging",
            header,
        )
    };
    let mut tags = Tags::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // As in a form: a plus is a space.
        let (key, value) = (percent_decode(key, true), percent_decode(value, true));
        let (Some(key), Some(value)) = (key, value) else { return Err(malformed()) };
        if key.is_empty() || tags.iter().any(|(known, _)| *known == key) {
            return Err(malformed());
        }
        tags.push((key, value));
    }
    check(&tags)?;
    Ok(tags)
}

/// Letters, digits and spaces of any script, and `+ - = . _ : / @`.
fn has_letters_of_tags(text: &str) -> bool {
    text.chars().all(|letter| {
        letter.is_alphanumeric() || letter.is_whitespace() || "+-=._:/@".contains(letter)
    })
}

fn invalid_tag(message: &str) -> Error {
    Error::client(400, "InvalidTag", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gives_tags_as_a_form_does() {
        let check = |header: &str, expected: Result<&[(&str, &str)], &str>| {
            let tags = read_header(Some(header)).map_err(|error| error.code.into_owned());
            let expected = expected.map(|tags| {
                tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
            });
            assert_eq!(tags, expected.map_err(str::to_owned), "{header}");
        };
        check("", Ok(&[]));
        check("a=1&b=2", Ok(&[("a", "1"), ("b", "2")]));
        check("a", Ok(&[("a", "")]));
        check("a+b=c%20d%2B", Ok(&[("a b", "c d+")]));
        check("%ED%95%98=%EB%8A%98", Ok(&[("하", "늘")]));
        check("a=1&a=2", Err("InvalidArgument"));
        check("a=%zz", Err("InvalidArgument"));
        check("a=%ff", Err("InvalidArgument"));
        check("=1", Err("InvalidArgument"));
        check("a=%3C", Err("InvalidTag"));
        check("aws%3Aa=1", Err("InvalidTag"));
        check(&format!("{}=1", "k".repeat(129)), Err("InvalidTag"));
        check(&format!("k={}", "v".repeat(257)), Err("InvalidTag"));
        let eleven: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
        check(&eleven.join("&"), Err("BadRequest"));
    }
}
