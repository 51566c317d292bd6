//! Percent-encoding in headers, decoded once.

/// `None` for a percent without two hexadecimal digits, and for what is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let [high, low, after @ ..] = after else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_decoded_once() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        };
        check("a%20b+c", Some("a b+c"));
        check("%2525", Some("%25"));
        check("%ed%95%98", Some("하"));
        check("%", None);
        check("%2", None);
        check("%+1", None);
        check("%ff", None);
    }
}
