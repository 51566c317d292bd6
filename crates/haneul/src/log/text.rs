//! What a line looks like: for people, or JSON. Always one line, whatever an event holds.

use std::error::Error;
use std::fmt::{self, Debug, Write as _};

use aws::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `TIME LEVEL message name="value" name=1`
    Human,
    /// The same, with a coloured level.
    Coloured,
    /// `{"timestamp":…,"level":…,"message":…,"name":…,"target":…}`
    Json,
}

impl Form {
    pub fn line(self, event: &Event<'_>, at: Timestamp) -> Vec<u8> {
        let mut line = Line { text: String::with_capacity(512), form: self };
        line.begin(at, *event.metadata().level());
        event.record(&mut line);
        line.end(event.metadata().target());
        line.text.into_bytes()
    }
}

struct Line {
    text: String,
    form: Form,
}

impl Line {
    fn begin(&mut self, at: Timestamp, level: Level) {
        let at = at.to_iso8601();
        let parts: [&str; 5] = match self.form {
            Form::Human => [&at, " ", padded(level), "", ""],
            Form::Coloured => [&at, " ", colour(level), padded(level), "\x1b[0m"],
            Form::Json => ["{\"timestamp\":\"", &at, "\",\"level\":\"", level.as_str(), "\""],
        };
        parts.into_iter().for_each(|part| self.text.push_str(part));
    }

    fn end(&mut self, target: &str) {
        if self.form == Form::Json {
            self.text.push_str(",\"target\":");
            self.push_json(target);
            self.text.push('}');
        }
        self.text.push('\n');
    }

    fn name(&mut self, field: &Field) {
        match (self.form, field.name()) {
            (Form::Json, name) => {
                self.text.push(',');
                self.push_json(name);
                self.text.push(':');
            }
            (_, MESSAGE) => self.text.push(' '),
            (_, name) => {
                self.text.push(' ');
                self.text.push_str(name);
                self.text.push('=');
            }
        }
    }

    fn number(&mut self, field: &Field, number: impl fmt::Display) {
        self.name(field);
        let _ = write!(self.text, "{number}");
    }

    fn push_json(&mut self, text: &str) {
        if text.bytes().all(is_plain) {
            self.push_quoted(text);
        } else {
            self.text.push_str(&serde_json::Value::from(text).to_string());
        }
    }

    fn push_quoted(&mut self, text: &str) {
        self.text.push('"');
        self.text.push_str(text);
        self.text.push('"');
    }
}

const MESSAGE: &str = "message";

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        match self.form {
            Form::Json => self.push_json(value),
            _ if field.name() == MESSAGE => push_printable(&mut self.text, value),
            _ if value.bytes().all(is_plain) => self.push_quoted(value),
            _ => {
                let _ = write!(self.text, "{value:?}");
            }
        }
    }

    /// Also what is logged by its `Display`.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        self.name(field);
        match self.form {
            Form::Json => self.push_json(&value),
            Form::Human | Form::Coloured => push_printable(&mut self.text, &value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let chain = std::iter::successors(Some(value), |error| (*error).source());
        let chain: Vec<String> = chain.map(ToString::to_string).collect();
        self.record_debug(field, &format_args!("{}", chain.join(": ")));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }
}

/// What stands for itself between quotes, in Rust's notation and in JSON's.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

/// Without what could begin a line or command a terminal.
fn push_printable(out: &mut String, text: &str) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return out.push_str(text);
    }
    for letter in text.chars() {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
}

fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => " WARN",
        Level::INFO => " INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// SGR sequences.
fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}
