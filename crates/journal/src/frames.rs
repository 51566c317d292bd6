//! Reading committed payloads in order.

use bytes::Bytes;

use crate::copy::{Copy, payload_of};
use crate::frame::{Cursor, Kind};
use crate::log::View;
use crate::segment;
use crate::{Place, Sequence};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A snapshot has taken the place of the log there; start from a snapshot.
    #[error("the journal keeps nothing before {oldest:?} any more")]
    Truncated { oldest: Sequence },
    /// No frame of the length that was asked for is at this place in any healthy zone.
    #[error("no zone has such a frame at {0:?}")]
    NoFrame(Place),
    /// No healthy zone holds this frame any more.
    #[error("{0:?} can be read from no zone")]
    Lost(Sequence),
}

/// One committed payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub sequence: Sequence,
    pub place: Place,
    pub payload: Bytes,
}

/// Payloads in order, each checked as it is read, from whichever zone has it. Holds one frame
/// and a read window for each zone in memory. After `None` a later call may find more.
pub struct Frames {
    view: View,
    copies: Vec<Copy>,
    at: Cursor,
    after: u64,
    newer: Box<dyn Fn() -> View + Send>,
}

impl Frames {
    /// `newer` answers the log as it is now; a recovery's frames answer the same view always.
    pub(crate) fn after(
        view: View,
        after: Sequence,
        newer: Box<dyn Fn() -> View + Send>,
    ) -> Result<Frames, ReadError> {
        let first = view.first();
        if after < first.last() {
            return Err(ReadError::Truncated { oldest: Sequence(first.sequence) });
        }
        let at = view.before(after.0 + 1);
        let copies = copies_of(&view);
        Ok(Frames { view, copies, at, after: after.0, newer })
    }

    fn refresh(&mut self) -> bool {
        let newer = (self.newer)();
        if newer.end.sequence == self.view.end.sequence {
            return false;
        }
        let same = newer.members == self.view.members
            && newer.segments.last().map(|s| s.index) == self.view.segments.last().map(|s| s.index);
        self.view = newer;
        if !same {
            self.copies = copies_of(&self.view);
        }
        true
    }

    fn step(&mut self) -> Result<Option<(Kind, Frame)>, ReadError> {
        if self.at.sequence >= self.view.end.sequence && !self.refresh() {
            return Ok(None);
        }
        let (id, end) = (self.view.id, Some(self.view.end));
        let segment = self.at.segment + 1;
        let next = Cursor { segment, offset: segment::HEADER_BYTES, ..self.at };
        for place in [self.at, next] {
            for copy in &mut self.copies {
                let Some((header, whole)) = copy.frame(id, place, end) else { continue };
                let payload = payload_of(&header, whole);
                self.at = place.past(&header);
                let sequence = Sequence(header.sequence);
                return Ok(Some((header.kind, Frame { sequence, place: place.place(), payload })));
            }
        }
        // The files may have gone while they were read.
        let first = (self.newer)().first();
        if self.at.sequence < first.sequence {
            return Err(ReadError::Truncated { oldest: Sequence(first.sequence) });
        }
        Err(ReadError::Lost(Sequence(self.at.sequence)))
    }

    /// The place after the frame `sequence`, which is in the view.
    pub(crate) fn place_after(mut self, sequence: Sequence) -> Result<Cursor, ReadError> {
        while self.at.last() < sequence {
            if self.step()?.is_none() {
                return Err(ReadError::Lost(Sequence(self.at.sequence)));
            }
        }
        Ok(self.at)
    }
}

pub(crate) fn copies_of(view: &View) -> Vec<Copy> {
    view.members.zones().map(|zone| Copy::new(zone, view.files(zone))).collect()
}

impl Iterator for Frames {
    type Item = Result<Frame, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some((Kind::Data, frame))) if frame.sequence.0 > self.after => {
                    return Some(Ok(frame));
                }
                Ok(Some(_)) => {}
            }
        }
    }
}
