//! User data, in the forms that cloud-init takes: a script, a cloud-config, both together as
//! MIME parts; any of it compressed with gzip.
//! <https://cloudinit.readthedocs.io/en/latest/explanation/format.html>

use std::io::Read;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;

use super::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Script(String),
    CloudConfig(String),
    /// How it calls itself.
    Unknown(String),
}

/// User data is 16 KiB at most; compressed text of that size is not more than this.
const BYTES_MAX: u64 = 16 << 20;

pub(super) fn parts(data: &[u8]) -> Result<Vec<Part>, Error> {
    let text = text(data)?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("content-type: multipart/") || lower.starts_with("mime-version:") {
        return multipart(&text);
    }
    Ok(vec![part(text)])
}

fn text(data: &[u8]) -> Result<String, Error> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    if !data.starts_with(&GZIP) {
        return Ok(String::from_utf8_lossy(data).into_owned());
    }
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(data).take(BYTES_MAX).read_to_end(&mut plain);
    read.map_err(|error| Error::UserData(format!("it is damaged gzip: {error}")))?;
    Ok(String::from_utf8_lossy(&plain).into_owned())
}

/// By its first line, as cloud-init does whatever a part's type says.
fn part(text: String) -> Part {
    let first = text.lines().next().unwrap_or_default().trim_end();
    match first {
        "#cloud-config" => Part::CloudConfig(text),
        _ if first.starts_with("#!") => Part::Script(text),
        _ => Part::Unknown(first.chars().take(40).collect()),
    }
}

fn multipart(text: &str) -> Result<Vec<Part>, Error> {
    let (head, body) = split_head(text);
    let boundary = parameter(header(head, "content-type").unwrap_or_default(), "boundary");
    let boundary = boundary.ok_or_else(|| Error::UserData("its parts have no boundary".into()))?;
    let line = format!("--{boundary}");
    let mut parts = Vec::new();
    for piece in body.split(line.as_str()).skip(1) {
        if piece.starts_with("--") {
            break;
        }
        let piece = piece.trim_start_matches(['\r', '\n']);
        let (head, body) = split_head(piece);
        let body = match header(head, "content-transfer-encoding").map(str::to_ascii_lowercase) {
            Some(encoding) if encoding == "base64" => {
                let letters: String = body.split_whitespace().collect();
                let bytes = BASE64_STANDARD.decode(letters);
                self::text(&bytes.map_err(|error| Error::UserData(error.to_string()))?)?
            }
            _ => body.trim_end_matches(['\r', '\n']).to_owned() + "\n",
        };
        parts.push(part(body));
    }
    Ok(parts)
}

fn split_head(text: &str) -> (&str, &str) {
    let unix = text.split_once("\n\n");
    let wire = text.split_once("\r\n\r\n");
    match (unix, wire) {
        (Some(unix), Some(wire)) if wire.0.len() < unix.0.len() => wire,
        (Some(found), _) | (None, Some(found)) => found,
        (None, None) => (text, ""),
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(given, _)| given.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = value.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(given, _)| given.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_is_known() {
        let check = |data: &[u8], expected: &[Part]| {
            assert_eq!(parts(data).expect("read"), expected, "{}", String::from_utf8_lossy(data));
        };
        let script = "#!/bin/sh\necho hi\n";
        let config = "#cloud-config\npackages: [nginx]\n";
        check(b"", &[]);
        check(b"  \n", &[]);
        check(script.as_bytes(), &[Part::Script(script.into())]);
        check(config.as_bytes(), &[Part::CloudConfig(config.into())]);
        check(b"hello\nworld", &[Part::Unknown("hello".into())]);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(script.as_bytes()).expect("memory");
        check(&gzip.finish().expect("memory"), &[Part::Script(script.into())]);
        let mime = format!(
            "Content-Type: multipart/mixed; boundary=\"//\"\nMIME-Version: 1.0\n\n--//\nContent-Type: text/cloud-config; charset=\"us-ascii\"\nContent-Transfer-Encoding: 7bit\n\n{config}\n--//\nContent-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n{}\n--//--\n",
            BASE64_STANDARD.encode(script),
        );
        let both = [Part::CloudConfig(config.into()), Part::Script(script.into())];
        check(mime.as_bytes(), &both);
        check(
            mime.replace('\n', "\r\n")
                .replace("packages: [nginx]\r\n", "packages: [nginx]\n")
                .as_bytes(),
            &[
                Part::CloudConfig("#cloud-config\r\npackages: [nginx]\n".into()),
                Part::Script(script.into()),
            ],
        );
        assert!(parts(b"Content-Type: multipart/mixed\n\nx").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parts(&data);
            let _ = parts(&[b"Content-Type: multipart/x; boundary=-\n\n".to_vec(), data].concat());
        }
    }
}
