//! Structured logs: one line a request, on stderr.
//!
//! A line is formatted where its event happens and written by one thread, many lines at a time
//! ([`lines`]): a write for each request costs a server as much as reading its head.

mod lines;
mod text;

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use aws::Clock;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Level, Metadata, span};
use tracing_subscriber::filter::Targets;

use lines::{Lines, Urgency};
use text::Form;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Human,
    Json,
}

/// Logging of the process, until it is dropped: then all lines are written, and later ones at
/// once.
#[must_use = "lines are lost when it is dropped before the process ends"]
pub struct Logging {
    lines: Arc<Lines>,
    writer: Option<JoinHandle<()>>,
}

/// Starts logging for the process. `HANEUL_LOG` chooses what is logged, else `info`.
///
/// # Errors
/// When the thread that writes cannot be started.
pub fn start(format: Format, wall: Arc<Clock>) -> io::Result<Logging> {
    let chosen = std::env::var("HANEUL_LOG").ok().and_then(|chosen| chosen.parse().ok());
    let filter = chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let form = match format {
        Format::Human if io::stderr().is_terminal() => Form::Coloured,
        Format::Human => Form::Human,
        Format::Json => Form::Json,
    };
    let lines = Arc::new(Lines::new(io::stderr()));
    let writer = std::thread::Builder::new().name("log".into()).spawn({
        let lines = lines.clone();
        move || lines.write_until_closed()
    })?;
    write_before_panics(lines.clone());
    tracing::subscriber::set_global_default(Log { filter, form, wall, lines: lines.clone() })
        .map_err(io::Error::other)?;
    Ok(Logging { lines, writer: Some(writer) })
}

/// A panic may end the process before the writer's turn, and its message, which goes to stderr
/// too, should follow the lines that led to it.
fn write_before_panics(lines: Arc<Lines>) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        lines.flush();
        before(panic);
    }));
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.lines.close();
        if let Some(writer) = self.writer.take() {
            // It does not panic; and if it did, nothing were left to do.
            let _ = writer.join();
        }
    }
}

/// What `tracing` hands events to. Spans are not kept: nothing here opens any.
struct Log {
    filter: Targets,
    form: Form,
    wall: Arc<Clock>,
    lines: Arc<Lines>,
}

impl Subscriber for Log {
    fn register_callsite(&self, of: &'static Metadata<'static>) -> Interest {
        if self.enabled(of) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.is_event() && self.filter.would_enable(of.target(), of.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter.iter().map(|(_, level)| level).chain(self.filter.default_level()).max()
    }

    fn event(&self, event: &Event<'_>) {
        let urgency = match *event.metadata().level() {
            Level::ERROR | Level::WARN => Urgency::Now,
            _ => Urgency::Soon,
        };
        self.lines.push(&self.form.line(event, self.wall.now()), urgency);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// What is known of a request so far; the line is written when it is dropped, so also when
/// the client goes away or an operation panics. Never holds secrets, bodies or parameters.
#[derive(Debug)]
pub struct RequestLine {
    pub request_id: String,
    pub account: Option<String>,
    pub principal: Option<String>,
    pub access_key_id: Option<String>,
    pub region: Option<String>,
    pub service: Cow<'static, str>,
    pub action: Cow<'static, str>,
    /// `allowed`, `denied`, or empty when it did not come to a decision.
    pub decision: &'static str,
    /// Zero while there is no answer.
    pub status: u16,
    pub error_code: Cow<'static, str>,
    begun: Instant,
}

impl RequestLine {
    pub fn new(request_id: String) -> Self {
        Self {
            request_id,
            account: None,
            principal: None,
            access_key_id: None,
            region: None,
            service: Cow::default(),
            action: Cow::default(),
            decision: "",
            status: 0,
            error_code: Cow::default(),
            begun: Instant::now(),
        }
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        let latency_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "haneul::request",
            // A field and no format, which takes longer to print.
            message = if self.status == 0 { "client went away" } else { "answered" },
            request_id = self.request_id,
            account = self.account,
            principal = self.principal,
            access_key_id = self.access_key_id,
            region = self.region,
            service = or_none(&self.service),
            action = or_none(&self.action),
            decision = or_none(self.decision),
            status = (self.status != 0).then_some(self.status),
            error_code = or_none(&self.error_code),
            latency_us,
        );
    }
}

fn or_none(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
