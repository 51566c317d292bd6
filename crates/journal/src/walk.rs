//! Reading a part of the log in all copies at once, to find what each of them lacks.

use crate::chain::{Range, Span, extend};
use crate::copy::Copy;
use crate::frame::Cursor;
use crate::{JournalId, Sequence};

pub(crate) struct Walked {
    /// By copy: frames that do not check.
    pub(crate) missing: Vec<Vec<Range>>,
    pub(crate) frames: u64,
    /// The frame that checks in no copy. What comes after it in the span was not read.
    pub(crate) lost: Option<Sequence>,
}

/// Reads the frames of `span` again, each in every copy.
pub(crate) fn walk(id: JournalId, span: &Span, copies: &mut [Copy]) -> Walked {
    let mut walked = Walked { missing: vec![Vec::new(); copies.len()], frames: 0, lost: None };
    let mut at = span.first;
    for copy in copies.iter_mut() {
        copy.forget();
    }
    while at.offset < span.end {
        let held: Vec<Option<Cursor>> = copies
            .iter_mut()
            .map(|copy| copy.frame(id, at, None).map(|(header, _)| at.past(&header)))
            .collect();
        let Some(next) = held.iter().flatten().next().copied() else {
            walked.lost = Some(Sequence(at.sequence));
            break;
        };
        walked.frames += 1;
        for (missing, held) in walked.missing.iter_mut().zip(&held) {
            if held.is_none() {
                extend(missing, at, next);
            }
        }
        at = next;
    }
    walked
}
