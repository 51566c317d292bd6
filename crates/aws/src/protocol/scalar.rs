//! Numbers, booleans, blobs and timestamps as text, the same in forms, XML, headers and URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::schema::{Kind, Schema, TimestampFormat};
use crate::{Body, Timestamp, Value};

/// Text that is not of its schema's kind; the kind's AWS name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) &'static str);

/// Reads a value that is no list, map or structure.
pub(super) fn read(schema: &Schema, text: &str) -> Result<Value, Unreadable> {
    let trimmed = text.trim();
    match schema.kind {
        Kind::String => Ok(Value::String(text.into())),
        Kind::Integer => match trimmed.parse::<i32>() {
            Ok(number) => Ok(Value::Integer(number.into())),
            Err(_) => Err(Unreadable("Integer")),
        },
        Kind::Long => trimmed.parse().map(Value::Integer).map_err(|_| Unreadable("Long")),
        Kind::Float => read_double(trimmed).map(Value::Double).ok_or(Unreadable("Float")),
        Kind::Double => read_double(trimmed).map(Value::Double).ok_or(Unreadable("Double")),
        Kind::Boolean => match trimmed {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            // botocore, and so the CLI, capitalises nothing; old tools do.
            other if other.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            other if other.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            _ => Err(Unreadable("Boolean")),
        },
        Kind::Timestamp => {
            Timestamp::parse(trimmed).map(Value::Timestamp).ok_or(Unreadable("Timestamp"))
        }
        Kind::Blob => {
            STANDARD.decode(trimmed).map(|b| Value::Blob(b.into())).map_err(|_| Unreadable("Blob"))
        }
        Kind::Stream => Ok(Value::Stream(Body::Bytes(Bytes::copy_from_slice(text.as_bytes())))),
        Kind::List(_) | Kind::Map(_) | Kind::Structure(_) => Err(Unreadable("complex element")),
    }
}

fn read_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust reads "inf" and "nan" too, AWS does not.
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// A value as text; `None` for lists, maps, structures and streams.
pub(super) fn print(value: &Value, format: TimestampFormat) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Double(number) => print_double(*number),
        Value::Boolean(truth) => truth.to_string(),
        Value::Timestamp(at) => print_timestamp(*at, format),
        Value::Blob(bytes) => STANDARD.encode(bytes),
        Value::Stream(_) | Value::List(_) | Value::Map(_) | Value::Structure(_) => return None,
    })
}

/// Text as it was before it was put into a URL; `None` when that is no UTF-8.
pub fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' if plus_is_space => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

pub(super) fn print_double(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        // `{:?}` keeps a fraction (`1.0`) and switches to exponents where they are shorter.
        format!("{number:?}")
    }
}

pub(super) fn print_timestamp(at: Timestamp, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::Iso8601 => at.to_iso8601(),
        TimestampFormat::HttpDate => at.to_http_date(),
        TimestampFormat::EpochSeconds => {
            let (secs, ms) = (at.as_millis().div_euclid(1000), at.as_millis().rem_euclid(1000));
            if ms == 0 {
                secs.to_string()
            } else if at.as_millis() < 0 {
                // -0.5 s is second -1 and 500 ms.
                let ms = -at.as_millis();
                trim_zeros(&format!("-{}.{:03}", ms / 1000, ms % 1000))
            } else {
                trim_zeros(&format!("{secs}.{ms:03}"))
            }
        }
    }
}

fn trim_zeros(fraction: &str) -> String {
    fraction.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_decoded_once() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(percent_decode(text, false).as_deref(), expected, "{text}");
        };
        check("a%20b+c", Some("a b+c"));
        check("%2525", Some("%25"));
        check("%ed%95%98", Some("하"));
        check("%", None);
        check("%2", None);
        check("%+1", None);
        check("%ff", None);
    }

    #[test]
    fn text_of_another_kind_is_unreadable() {
        let check = |schema: Schema, text: &str, expected: Result<Value, &'static str>| {
            assert_eq!(read(&schema, text), expected.map_err(Unreadable), "{text:?}");
        };
        check(Schema::integer("i"), "12", Ok(Value::Integer(12)));
        check(Schema::integer("i"), "2147483648", Err("Integer"));
        check(Schema::integer("i"), "1.5", Err("Integer"));
        check(Schema::integer("i"), "", Err("Integer"));
        check(Schema::long("l"), "2147483648", Ok(Value::Integer(2_147_483_648)));
        check(Schema::double("d"), "-Infinity", Ok(Value::Double(f64::NEG_INFINITY)));
        check(Schema::double("d"), "inf", Err("Double"));
        check(Schema::boolean("b"), "True", Ok(Value::Boolean(true)));
        check(Schema::boolean("b"), "yes", Err("Boolean"));
        check(Schema::timestamp("t"), "tomorrow", Err("Timestamp"));
        check(Schema::blob("b"), "YQ==", Ok(Value::Blob(Bytes::from_static(b"a"))));
        check(Schema::blob("b"), "YQ=", Err("Blob"));
    }

    #[test]
    fn numbers_and_times_print_as_aws_prints_them() {
        let check = |value: Value, expected: &str| {
            assert_eq!(print(&value, TimestampFormat::EpochSeconds).as_deref(), Some(expected));
        };
        check(Value::Double(1.0), "1.0");
        check(Value::Double(f64::INFINITY), "Infinity");
        check(Value::Timestamp(Timestamp::from_secs(1_795_344_053)), "1795344053");
        check(Value::Timestamp(Timestamp::from_millis(1_500)), "1.5");
        check(Value::Timestamp(Timestamp::from_millis(-500)), "-0.5");
    }
}
