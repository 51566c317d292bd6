//! Submitting again what lives, so that its old place may go.

use journal::Place;

use crate::blob::Held;
use crate::change::Decided;
use crate::line::Underway;
use crate::shared::Shared;
use crate::{BlobId, CommitError, NewBlob};

/// What was found at places that are to go.
#[derive(Default)]
pub(super) struct Moves {
    /// Keys, with the frame that set their rows.
    pub(super) rows: Vec<(Vec<u8>, Place)>,
    /// Blobs, with the frame that attached them, and where they are now.
    pub(super) blobs: Vec<(BlobId, Place, Held)>,
}

impl Moves {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.blobs.is_empty()
    }
}

impl Shared {
    /// Submits again what of it still lives where it was found; answers when that is durable.
    /// A row keeps its stamp. What was set, removed or dropped since, also by a change that is
    /// still underway, is left alone: this is decided in the line, as every change is.
    pub(super) async fn move_on(&self, moves: Moves) -> Result<(), CommitError> {
        let mut moves = Some(moves);
        let underway = loop {
            let room = self.room.notified();
            match self.decide_moves(&mut moves)? {
                Some(underway) => break underway,
                None => room.await,
            }
        };
        underway.durable().await
    }

    /// Has the index take in what is in memory soon, however little that is.
    pub(super) fn flush(&self) {
        self.tables_mut().active.awaited = true;
        self.line.inner().nudge();
    }

    fn decide_moves(&self, moves: &mut Option<Moves>) -> Result<Option<Underway>, CommitError> {
        let Some(mut line) = self.line.enter()? else { return Ok(None) };
        let Moves { rows, blobs } = moves.take().expect("decided once");
        let tables = self.tables();
        let mut decided = Decided::default();
        for (key, place) in rows {
            if line.is_pending(&key) {
                continue;
            }
            let there = tables.slot(&key)?.filter(|slot| slot.place == place);
            if let Some(row) = there.and_then(|slot| slot.row) {
                decided.rows.insert(key, Some(row));
            }
        }
        for (id, place, held) in blobs {
            let there = tables.blob(id)?.is_some_and(|blob| blob.place == place);
            if there && !line.is_dropped(id) {
                decided.attached.push(NewBlob { id, held });
            }
        }
        drop(tables);
        if decided.is_empty() {
            return Ok(Some(line.behind_the_rest()));
        }
        let stamp = self.next_id();
        Ok(Some(line.submit(stamp, decided)))
    }
}
