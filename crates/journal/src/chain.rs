//! Choosing the chain: of everything the zones hold, the frames that are the log.
//!
//! Zones are read in step. Where one zone's copy of a frame is torn or rotten another's is
//! taken; where two different frames follow the same one, both ways are walked to their ends,
//! and the one that ends in the higher epoch, then the longer one, is the log. docs/0002 says
//! why every acknowledged frame is on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::JournalId;
use crate::copy::{Copy, members_of};
use crate::frame::{Cursor, Header, Members};
use crate::segment;

/// Where walking begins: after a snapshot, or at the very first frame.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) at: Cursor,
    pub(crate) members: Members,
    /// The part of the log before that is kept and not walked.
    pub(crate) kept: Arc<[Span]>,
}

/// The part of the chain in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) index: u64,
    /// The segment's length; zero while no frame was found in it.
    pub(crate) bytes: u64,
    pub(crate) first: Cursor,
    pub(crate) end: u64,
    /// Not in any zone yet.
    pub(crate) new: bool,
}

/// Frames of one segment next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Cursor,
    pub(crate) end: u64,
    pub(crate) frames: u64,
}

impl Range {
    /// How many of its frames are at or before `sequence`.
    pub(crate) fn frames_to(&self, sequence: u64) -> u64 {
        (sequence + 1).saturating_sub(self.from.sequence).min(self.frames)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) end: Cursor,
    /// The last membership on the chain.
    pub(crate) members: Members,
    /// The highest `committed` on the chain: certainly acknowledged.
    pub(crate) committed: u64,
    pub(crate) spans: Vec<Span>,
    /// What each copy lacks, in the order of the copies.
    pub(crate) missing: Vec<Vec<Range>>,
    /// The frames after `committed`, one range each: perhaps never synced. At most a group and
    /// the journal's own frames after it.
    pub(crate) tail: Vec<Range>,
    pub(crate) forks: Forks,
}

/// Where more than one frame could follow: the hash of the one that does, by sequence. Zones that
/// went another way still hold the others.
pub(crate) type Forks = BTreeMap<u64, u64>;

struct Successor {
    at: Cursor,
    header: Header,
    members: Option<Members>,
    holders: Vec<bool>,
    segment_bytes: u64,
}

/// The log after `start`, as the copies have it.
pub(crate) fn choose(id: JournalId, start: Start, copies: &mut [Copy]) -> Chain {
    let mut open = vec![Chain::new(start, copies.len())];
    let mut best: Option<Chain> = None;
    while let Some(mut chain) = open.pop() {
        loop {
            let mut ways = successors(id, chain.end, copies);
            let forked = ways.len() > 1;
            let Some(way) = ways.pop() else { break };
            for other in ways {
                let mut fork = chain.clone();
                fork.advance(other, forked);
                open.push(fork);
            }
            chain.advance(way, forked);
        }
        if best.as_ref().is_none_or(|best| chain.rank() > best.rank()) {
            best = Some(chain);
        }
    }
    best.expect("at least the way with no frames was walked")
}

fn successors(id: JournalId, at: Cursor, copies: &mut [Copy]) -> Vec<Successor> {
    let next_segment = Cursor { segment: at.segment + 1, offset: segment::HEADER_BYTES, ..at };
    let count = copies.len();
    let mut ways: Vec<Successor> = Vec::new();
    for place in [next_segment, at] {
        for (index, copy) in copies.iter_mut().enumerate() {
            let Some((header, whole)) = copy.frame(id, place, None) else { continue };
            let members = members_of(&header, whole);
            let known =
                ways.iter().position(|way| way.header.hash == header.hash && way.at == place);
            let way = known.unwrap_or_else(|| {
                let segment_bytes = copy.segments.get(&place.segment).map_or(0, |s| s.bytes);
                let holders = vec![false; count];
                ways.push(Successor { at: place, header, members, holders, segment_bytes });
                ways.len() - 1
            });
            ways[way].holders[index] = true;
        }
    }
    ways
}

impl Chain {
    fn new(start: Start, copies: usize) -> Chain {
        let at = start.at;
        let mut spans = start.kept.to_vec();
        if spans.last().is_none_or(|span| span.index != at.segment) {
            spans.push(Span { index: at.segment, bytes: 0, first: at, end: at.offset, new: false });
        }
        Chain {
            end: at,
            members: start.members,
            committed: at.last().0,
            spans,
            missing: vec![Vec::new(); copies],
            tail: Vec::new(),
            forks: Forks::new(),
        }
    }

    fn rank(&self) -> (u64, u64) {
        (self.end.epoch, self.end.sequence)
    }

    fn advance(&mut self, way: Successor, forked: bool) {
        let Successor { at, header, members, holders, segment_bytes } = way;
        let end = at.past(&header);
        if forked {
            self.forks.insert(header.sequence, header.hash);
        }
        if at.segment != self.end.segment {
            // A snapshot covers a segment to its end, and none of it is kept.
            self.spans.retain(|span| span.bytes != 0);
            let Cursor { segment: index, offset: end, .. } = at;
            self.spans.push(Span { index, bytes: 0, first: at, end, new: false });
        }
        let span = self.spans.last_mut().expect("never empty");
        span.end = end.offset;
        if span.bytes == 0 {
            span.bytes = segment_bytes;
        }
        for (missing, held) in self.missing.iter_mut().zip(holders) {
            if !held {
                extend(missing, at, end);
            }
        }
        if header.committed > self.committed {
            self.committed = header.committed;
            self.tail.retain(|range| range.from.sequence > header.committed);
        }
        self.tail.push(Range { from: at, end: end.offset, frames: 1 });
        self.members = members.unwrap_or(self.members);
        self.end = end;
    }
}

pub(crate) fn extend(ranges: &mut Vec<Range>, at: Cursor, end: Cursor) {
    match ranges.last_mut() {
        Some(last) if last.from.segment == at.segment && last.end == at.offset => {
            last.end = end.offset;
            last.frames += 1;
        }
        _ => ranges.push(Range { from: at, end: end.offset, frames: 1 }),
    }
}
