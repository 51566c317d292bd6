//! `Range` on reads: one range of bytes. Several, and what is no range, are ignored as S3 does:
//! the whole object is the answer.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax>

use std::ops::Range;

use aws::Error;

/// The bytes that a `Range` header asks for of an object of `size` bytes; `None` for all, as if
/// there were no header.
///
/// # Errors
/// `InvalidRange` (416) when none of the bytes asked for is there.
pub(crate) fn read(header: &str, size: u64) -> Result<Option<Range<u64>>, Error> {
    let Some(asked) = parse(header) else { return Ok(None) };
    let range = match asked {
        Asked::From { first, last } => first..last.map_or(size, |last| last + 1).min(size),
        Asked::Last(count) => size.saturating_sub(count)..size,
    };
    if range.start < range.end {
        return Ok(Some(range));
    }
    Err(Error::client(416, "InvalidRange", "The requested range is not satisfiable")
        .with_detail("RangeRequested", header)
        .with_detail("ActualObjectSize", size.to_string())
        .with_header("content-range", format!("bytes */{size}")))
}

/// `Content-Range` of an answer with these bytes.
pub(crate) fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

enum Asked {
    From { first: u64, last: Option<u64> },
    Last(u64),
}

/// `None` for what is not one range.
fn parse(header: &str) -> Option<Asked> {
    let (first, last) = header.strip_prefix("bytes=")?.trim().split_once('-')?;
    // `u64::from_str` takes a sign, which a range has not. Numbers beyond every object are fine.
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX - 1))
    };
    match (first.is_empty(), last.is_empty()) {
        (true, _) => number(last).map(Asked::Last),
        (false, true) => Some(Asked::From { first: number(first)?, last: None }),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Asked::From { first, last: Some(last) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_object() {
        let check = |header: &str, size, expected: Result<Option<Range<u64>>, u16>| {
            assert_eq!(read(header, size).map_err(|e| e.status), expected, "{header} of {size}");
        };
        check("bytes=0-0", 10, Ok(Some(0..1)));
        check("bytes=2-5", 10, Ok(Some(2..6)));
        check("bytes=2-", 10, Ok(Some(2..10)));
        check("bytes=2-99", 10, Ok(Some(2..10)));
        check("bytes=2-99999999999999999999999", 10, Ok(Some(2..10)));
        check("bytes=-3", 10, Ok(Some(7..10)));
        check("bytes=-99", 10, Ok(Some(0..10)));
        check("bytes=-0", 10, Err(416));
        check("bytes=10-", 10, Err(416));
        check("bytes=99999999999999999999999-", 10, Err(416));
        check("bytes=0-", 0, Err(416));
        check("bytes=-5", 0, Err(416));
        for ignored in [
            "bytes=5-2",
            "bytes=0-1,4-5",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "lines=0-1",
        ] {
            check(ignored, 10, Ok(None));
        }
    }

    #[test]
    fn an_unsatisfiable_range_says_what_there_is() {
        let error = read("bytes=10-", 10).expect_err("nothing there");
        let details = [("RangeRequested", "bytes=10-".into()), ("ActualObjectSize", "10".into())];
        assert_eq!((error.code.as_ref(), error.details), ("InvalidRange", details.to_vec()));
        assert_eq!(content_range(&(2..6), 10), "bytes 2-5/10");
    }
}
