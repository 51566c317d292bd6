//! Structured logs: one line a request, on stderr.

use std::io::IsTerminal;
use std::time::Instant;

use tracing_subscriber::EnvFilter;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Human,
    Json,
}

/// Starts logging for the process. `HANEUL_LOG` chooses what is logged, else `info`.
pub fn start(format: Format) {
    let filter = EnvFilter::try_from_env("HANEUL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Human => {
            builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init();
        }
        Format::Json => builder.json().flatten_event(true).init(),
    }
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
    pub service: String,
    pub action: String,
    /// `allowed`, `denied`, or empty when it did not come to a decision.
    pub decision: &'static str,
    /// Zero while there is no answer.
    pub status: u16,
    pub error_code: String,
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
            service: String::new(),
            action: String::new(),
            decision: "",
            status: 0,
            error_code: String::new(),
            begun: Instant::now(),
        }
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        let latency_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "haneul::request",
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
            "{}",
            if self.status == 0 { "client went away" } else { "answered" },
        );
    }
}

fn or_none(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
