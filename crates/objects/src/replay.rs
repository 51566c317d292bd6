//! From the log to the tables.

use std::sync::Arc;

use journal::{Journal, Sequence};

use crate::frame::{FrameError, decode};
use crate::index::{Index, IndexError};
use crate::options::{Limits, REPLAYED_TIMES};
use crate::table::{At, Reached, Table};
use crate::tables::Tables;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the log of the objects cannot be read: {0}")]
    Read(#[from] journal::ReadError),
    /// What is in front of us cannot be a view of this log.
    #[error("the log of the objects ends at {end:?}, before {reached:?}")]
    Ahead { reached: Sequence, end: Sequence },
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What the log says after `reached`.
pub(crate) fn replay_after(log: &Journal, reached: Reached) -> Result<Table, ReplayError> {
    let mut table = Table::after(reached);
    for frame in frames_after(log, reached.sequence)? {
        let frame = frame?;
        let at = at(&frame);
        table.replay(decode(&frame.payload)?, at);
    }
    Ok(table)
}

/// Reads all that `index` does not show yet. What does not fit in memory goes into the index on
/// the way.
pub(crate) fn replay(
    log: &Journal,
    index: Arc<dyn Index>,
    limits: &Limits,
) -> Result<Tables, ReplayError> {
    replay_until(log, index, limits, log.committed())
}

/// The same, no further than `end`.
pub(crate) fn replay_until(
    log: &Journal,
    index: Arc<dyn Index>,
    limits: &Limits,
    end: Sequence,
) -> Result<Tables, ReplayError> {
    let mut tables = Tables::over(index);
    let reached = tables.active.reached;
    let from_the_front = reached == Reached::default();
    let frames = if from_the_front { front(log)? } else { frames_after(log, reached.sequence)? };
    for (frame, nth) in frames.zip(0_u64..) {
        let frame = frame?;
        if frame.sequence > end {
            break;
        }
        let at = at(&frame);
        let frame = decode(&frame.payload)?;
        if nth == 0 && from_the_front && log.read(Sequence(0)).is_err() {
            // The log's front is gone, and it is never cut so that it begins with a change that
            // did not happen.
            tables.active.reached.number = frame.number.wrapping_sub(1);
        }
        tables.active.replay(frame, at);
        if limits.is_full(&tables.active, REPLAYED_TIMES) {
            let frozen = tables.freeze();
            tables.index.apply(&frozen)?;
            tables.frozen = None;
        }
    }
    Ok(tables)
}

fn at(frame: &journal::Frame) -> At {
    At { sequence: frame.sequence, place: frame.place, payload_bytes: frame.payload.len() }
}

fn frames_after(log: &Journal, sequence: Sequence) -> Result<journal::Frames, ReplayError> {
    let end = log.committed();
    if sequence > end {
        return Err(ReplayError::Ahead { reached: sequence, end });
    }
    Ok(log.read(sequence)?)
}

/// Everything that the log still has.
pub(crate) fn front(log: &Journal) -> Result<journal::Frames, ReplayError> {
    match log.read(Sequence(0)) {
        Err(journal::ReadError::Truncated { oldest }) => {
            Ok(log.read(Sequence(oldest.0.saturating_sub(1)))?)
        }
        frames => Ok(frames?),
    }
}
