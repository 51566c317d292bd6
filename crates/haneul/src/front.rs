//! The way of a request, one step a file.

pub mod counts;
pub mod health;
pub mod refused;

use std::sync::Arc;

use aws::{Clock, Random, Region};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::admin::{Counts, Unsupported};
use crate::listener::Peer;
use crate::log::RequestLine;
use counts::Counters;
use refused::Refused;

/// Answers requests.
pub struct Front {
    region: Region,
    random: Arc<Random>,
    counters: Counters,
    refused: Refused,
}

impl Front {
    pub fn new(region: Region, _clock: Arc<Clock>, _wall: Arc<Clock>, random: Arc<Random>) -> Self {
        Self { region, random, counters: Counters::default(), refused: Refused::default() }
    }

    pub async fn answer(&self, request: Request<Incoming>, _peer: Peer) -> Response<Full<Bytes>> {
        if let Some(page) = health::page(&request, self) {
            return page;
        }
        let mut line = RequestLine::new(self.random.uuid());
        let status = StatusCode::BAD_REQUEST;
        line.status = status.as_u16();
        self.refused.count("unknown", "");
        self.counters.count(status);
        let mut response = Response::new(Full::from("haneul serves no AWS service yet\n"));
        *response.status_mut() = status;
        response
    }

    /// Signing names of the services that are served.
    pub fn services(&self) -> Vec<String> {
        Vec::new()
    }

    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    pub fn unsupported(&self) -> Vec<Unsupported> {
        self.refused.list()
    }
}
