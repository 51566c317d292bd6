//! `multipart/form-data` up to the file.
//! <https://www.rfc-editor.org/rfc/rfc7578>

use aws::Error;

use super::Fields;

/// What may come before the file.
pub const OPENING_BYTES_MAX: usize = 20_480;

/// The fields before the file, and the head of the file's part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    pub fields: Fields,
    pub filename: Option<String>,
    /// Where the file's bytes begin.
    pub bytes: usize,
}

/// What separates the parts of a form with this `Content-Type`.
///
/// # Errors
/// `PreconditionFailed` (412) for what is no form, `MalformedPOSTRequest` for one without a
/// boundary.
pub fn boundary(content_type: &str) -> Result<String, Error> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        let why = "At least one of the pre-conditions you specified did not hold";
        return Err(Error::client(412, "PreconditionFailed", why).with_detail(
            "Condition",
            "Bucket POST must be of the enclosure-type multipart/form-data",
        ));
    }
    let boundary = parameter(parameters, "boundary").filter(|text| (1..=70).contains(&text.len()));
    boundary.ok_or_else(malformed)
}

/// Reads the fields and the head of the file, when all of them are there.
///
/// # Errors
/// `MalformedPOSTRequest`, `MaxPostPreDataLengthExceeded`, and `InvalidArgument` for a form
/// without a file.
pub fn read_opening(boundary: &str, body: &[u8]) -> Result<Option<Opening>, Error> {
    match parts(boundary, body)? {
        None if body.len() > OPENING_BYTES_MAX => Err(too_long()),
        Some(opening) if opening.bytes > OPENING_BYTES_MAX => Err(too_long()),
        opening => Ok(opening),
    }
}

fn parts(boundary: &str, body: &[u8]) -> Result<Option<Opening>, Error> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut opening = Opening::default();
    // Whatever precedes the first delimiter means nothing.
    let Some(mut at) = find(body, delimiter) else { return Ok(None) };
    loop {
        at += delimiter.len();
        if body[at..].starts_with(b"--") {
            return Err(no_file());
        }
        let Some(end) = find(&body[at..], b"\r\n") else { return Ok(None) };
        if body[at..at + end].iter().any(|b| !matches!(b, b' ' | b'\t')) {
            return Err(malformed());
        }
        // From the line's end, so that a part without any headers is one too.
        at += end;
        let Some(end) = find(&body[at..], b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&body[at..at + end]).map_err(|_| malformed())?;
        let part = Part::read(head)?;
        at += end + 4;
        if part.name.eq_ignore_ascii_case("file") {
            return Ok(Some(Opening { filename: part.filename, bytes: at, ..opening }));
        }
        let ended = [b"\r\n", delimiter].concat();
        let Some(end) = find(&body[at..], &ended) else { return Ok(None) };
        let value = std::str::from_utf8(&body[at..at + end]).map_err(|_| malformed())?;
        opening.fields.push(&part.name, value);
        at += end + 2;
    }
}

struct Part {
    name: String,
    filename: Option<String>,
}

impl Part {
    fn read(head: &str) -> Result<Self, Error> {
        let lines = head.split("\r\n").filter(|line| !line.is_empty());
        let mut headers = lines.filter_map(|line| line.split_once(':'));
        let disposition =
            headers.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
        let (_, disposition) = disposition.ok_or_else(malformed)?;
        let (kind, parameters) = disposition.split_once(';').ok_or_else(malformed)?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            // A field without a name is none that anyone asks for.
            return Ok(Self { name: String::new(), filename: None });
        }
        let name = parameter(parameters, "name").ok_or_else(malformed)?;
        // Old browsers send whole paths.
        let filename = parameter(parameters, "filename");
        let filename =
            filename.map(|path| path.rsplit(['/', '\\']).next().unwrap_or("").to_owned());
        Ok(Self { name, filename })
    }
}

/// `NAME=VALUE` or `NAME="VALUE"` of a header's parameters. Browsers escape quotes in values
/// as `%22`, and curl with a backslash.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_matches([';', ' ', '\t']);
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

pub(super) fn malformed() -> Error {
    let why = "The body of your POST request is not well-formed multipart/form-data.";
    Error::client(400, "MalformedPOSTRequest", why)
}

fn too_long() -> Error {
    let why = "Your POST request fields preceeding the upload file was too large.";
    Error::client(400, "MaxPostPreDataLengthExceeded", why)
        .with_detail("MaxPostPreDataLengthBytes", OPENING_BYTES_MAX.to_string())
}

fn no_file() -> Error {
    let why = "POST requires exactly one file upload per request.";
    crate::error::invalid_argument(why, "file", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_read_quoted_or_not() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let got = boundary(text);
            let got = got.as_deref().map_err(|error| error.code.as_ref());
            assert_eq!(got, expected, "{text}");
        };
        check("multipart/form-data; boundary=abc", Ok("abc"));
        check("Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"", Ok("a b"));
        check("multipart/form-data", Err("MalformedPOSTRequest"));
        check("multipart/form-data; boundary=", Err("MalformedPOSTRequest"));
        check("text/html", Err("PreconditionFailed"));
    }

    const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"Key\"\r\n\r\na\r\n--B \r\n\
        content-disposition:form-data;name=empty\r\nX: y\r\n\r\n\r\n--B\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"C:\\\\x\\\\y\\\"z.txt\"\r\n\
        Content-Type: text/plain\r\n\r\n";

    #[test]
    fn fields_are_read_up_to_the_file() {
        for preamble in ["", "\r\n", "ignored\r\n"] {
            let form = format!("{preamble}{FORM}");
            let opening = read_opening("B", form.as_bytes()).expect("a form").expect("whole");
            assert_eq!(opening.fields.get("key"), Some("a"));
            assert_eq!(opening.fields.get("empty"), Some(""));
            assert_eq!(opening.filename.as_deref(), Some("y\"z.txt"));
            assert_eq!(opening.bytes, form.len());
            for end in 0..form.len() {
                let part = read_opening("B", &form.as_bytes()[..end]).expect("a form so far");
                assert_eq!(part, None, "{end}");
            }
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let check = |body: &[u8], code: &str| {
            let refused = read_opening("B", body).expect_err(code);
            assert_eq!(refused.code, code);
        };
        check(b"--B--\r\n", "InvalidArgument");
        check(b"--Bx\r\n\r\n", "MalformedPOSTRequest");
        check(b"--B\r\nX: y\r\n\r\n", "MalformedPOSTRequest");
        check(
            b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--B",
            "MalformedPOSTRequest",
        );
        check(&vec![b'x'; OPENING_BYTES_MAX + 1], "MaxPostPreDataLengthExceeded");
        let long = FORM.replace("\r\na\r\n", &format!("\r\n{}\r\n", "a".repeat(OPENING_BYTES_MAX)));
        check(long.as_bytes(), "MaxPostPreDataLengthExceeded");
    }
}
