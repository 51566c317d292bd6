//! From a log to a table.

use super::super::table::Table;
use super::frame::{self, FrameError};
use super::image;
use super::log::{Opened, Place};
use crate::store::{Event, Revision};

pub(super) struct Replayed {
    pub(super) table: Table,
    /// What happened after `since`, as far as the log still says it.
    pub(super) events: Vec<Event>,
    /// Events up to this revision are not among them.
    pub(super) compacted: Revision,
    /// The last place read.
    pub(super) place: Place,
    /// Bytes read after the image.
    pub(super) bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the journal of the state cannot be read: {0}")]
    Read(String),
}

/// Reads everything that `opened` found. Changes that number `since` or less make no events.
pub(super) fn replay(opened: &mut Opened, since: u64) -> Result<Replayed, ReplayError> {
    let (place, table) = match opened.image.take() {
        Some((place, image)) => (place, image::decode(&image)?),
        None => (Place::default(), Table::default()),
    };
    let compacted = table.revision;
    let mut replayed = Replayed { table, events: Vec::new(), compacted, place, bytes: 0 };
    for payload in opened.payloads.by_ref() {
        let (place, payload) = payload.map_err(ReplayError::Read)?;
        replayed.place = place;
        replayed.bytes += payload.len() as u64;
        let frame = frame::decode(&payload)?;
        if !frame.follows(&replayed.table) {
            continue;
        }
        let events = replayed.table.apply(&frame.change);
        if replayed.table.number > since {
            replayed.events.extend(events);
        }
    }
    Ok(replayed)
}
