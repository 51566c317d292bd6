//! Looking after the zones while the journal runs. The owner calls [`Journal::tend`] every few
//! seconds and thoroughly every hour or so, on a thread that may block.

use crate::attach::ReattachError;
use crate::scrub::ScrubReport;
use crate::{Journal, ZoneHealth};

/// What one round of tending found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TendReport {
    /// What was read again, where something was.
    pub scrub: Option<ScrubReport>,
    /// Failed zones that were copied into and are healthy, and why they had failed.
    pub returned: Vec<(usize, String)>,
    /// Failed zones that could not be brought back.
    pub away: Vec<(usize, ReattachError)>,
}

impl Journal {
    /// One round: drops healthy zones whose directory is gone (their open files could still be
    /// written, and would be a copy in name only), reads everything again when `thorough` or
    /// when [`Journal::frame_at`] met rot, and copies failed zones again where that can be,
    /// but for those that were taken out by [`Journal::detach`].
    ///
    /// Blocks, for as long as reading or copying the whole log takes; commits go on meanwhile.
    /// Does nothing when the journal has stopped.
    pub fn tend(&self, thorough: bool) -> TendReport {
        let mut report = TendReport::default();
        if self.stopped().is_some() {
            return report;
        }
        self.drop_vanished();
        if thorough || self.met_rot() {
            report.scrub = Some(self.scrub());
        }
        for (zone, health) in self.health().into_iter().enumerate() {
            let ZoneHealth::Failed(why) = health else { continue };
            if self.is_detached(zone) {
                continue;
            }
            match self.reattach(zone, None) {
                Ok(()) => {
                    tracing::warn!(zone, why, "a failed journal zone was copied again");
                    report.returned.push((zone, why));
                }
                Err(error) => {
                    tracing::warn!(zone, why, %error, "a journal zone is out of use");
                    report.away.push((zone, error));
                }
            }
        }
        report
    }
}
