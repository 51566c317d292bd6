//! Reading everything again in every zone, and mending what does not check.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use crate::Sequence;
use crate::chain::{Forks, Range, Span};
use crate::copy::Copy;
use crate::disk::{Disk, DiskFile, SyncReason};
use crate::identity::{self, Identity};
use crate::log::View;
use crate::repair::{Sources, Target};
use crate::segment;
use crate::snapshot::{self, Meta};
use crate::walk::walk;

/// What a scrub found in one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneScrub {
    pub zone: usize,
    /// Frames that did not check.
    pub rotten_frames: u64,
    /// Segment headers and snapshots that did not check.
    pub rotten_files: u64,
    /// Whether all of that was written again and then read back well.
    pub repaired: bool,
    /// Why the zone is dropped: it could not be repaired.
    pub failure: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Frames that were read, each in every healthy zone.
    pub frames: u64,
    /// The healthy zones.
    pub zones: Vec<ZoneScrub>,
    /// Frames that check in no zone. The rest of their segment cannot be read either.
    pub lost: Vec<Sequence>,
}

/// What scrubbing works on; made under the log's lock, used without it.
pub(crate) struct Scrub {
    pub(crate) view: View,
    pub(crate) epoch: u64,
    pub(crate) disks: Vec<Arc<dyn Disk>>,
    pub(crate) snapshot: Option<Meta>,
    /// The segment made ahead of need, by zone: its frames will be found by its header.
    pub(crate) ahead: Vec<(usize, Span, Arc<dyn DiskFile>)>,
}

/// A scrub is made in parts, so that other work on the whole log comes in between.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// The first segment from this one on, up to the last that there was at the beginning.
    Segment { from: u64, last: Option<u64> },
    /// Everything but segments.
    Rest,
}

impl Part {
    pub(crate) fn first() -> Option<Part> {
        Some(Part::Segment { from: 0, last: None })
    }
}

impl Scrub {
    #[cfg(test)]
    pub(crate) fn run(&self) -> ScrubReport {
        let mut report = ScrubReport::default();
        let mut part = Part::first();
        while let Some(this) = part {
            part = self.part(this, &mut report);
        }
        report
    }

    /// Does one part; answers the next one.
    pub(crate) fn part(&self, part: Part, report: &mut ScrubReport) -> Option<Part> {
        self.admit(report);
        match part {
            Part::Segment { from, last } => {
                let at = self.view.segments.partition_point(|segment| segment.index < from);
                let last = last.unwrap_or(self.view.end.segment);
                let segment = self.view.segments.get(at).filter(|segment| segment.index <= last);
                let Some(segment) = segment else { return Some(Part::Rest) };
                self.segment(&self.view.span(segment), report);
                Some(Part::Segment { from: segment.index + 1, last: Some(last) })
            }
            Part::Rest => {
                self.ahead(report);
                self.names(report);
                self.identities(report);
                if let Some(meta) = &self.snapshot {
                    self.snapshots(meta, report);
                }
                None
            }
        }
    }

    /// Whether everything is still in its place, without reading it.
    pub(crate) fn look(&self) -> ScrubReport {
        let mut report = ScrubReport::default();
        self.admit(&mut report);
        self.names(&mut report);
        report
    }

    fn admit(&self, report: &mut ScrubReport) {
        for zone in self.view.members.zones() {
            if report.zone(zone).is_none() {
                report.zones.push(ZoneScrub { zone, ..ZoneScrub::default() });
            }
        }
    }

    fn target(&self, zone: usize) -> Target {
        let disk = self.disks[zone].clone();
        Target { id: self.view.id, zone, epoch: self.epoch, disk }
    }

    fn segment(&self, span: &Span, report: &mut ScrubReport) {
        let copies = &mut self.view.copies_of(span.index);
        let walked = walk(self.view.id, span, copies);
        report.frames += walked.frames;
        report.lost.extend(walked.lost);
        for (place, ranges) in walked.missing.into_iter().enumerate() {
            let zone = copies[place].zone;
            let Some(found) = report.zone(zone) else { continue };
            let Some(file) = copies[place].segments.get(&span.index).map(|s| s.file.clone()) else {
                continue;
            };
            let label = segment::check(file.clone(), self.view.id, zone, span.index);
            let label_good = matches!(label, Ok(Some(_)));
            if ranges.is_empty() && label_good {
                continue;
            }
            found.rotten_frames += ranges.iter().map(|range| range.frames).sum::<u64>();
            found.rotten_files += u64::from(!label_good);
            let target = self.target(zone);
            let mut sources = Sources { copies: &mut *copies, forks: &Forks::new() };
            let mended = target
                .relabel(span, file.as_ref())
                .and_then(|()| target.mend(&ranges, &mut sources, file.as_ref()))
                .and_then(|()| {
                    copies[place].forget();
                    self.reread(&ranges, &mut copies[place])
                });
            found.settle(mended);
        }
    }

    /// The report's zones that are members still.
    fn members<'a>(&self, report: &'a mut ScrubReport) -> impl Iterator<Item = &'a mut ZoneScrub> {
        let members = self.view.members;
        report.zones.iter_mut().filter(move |found| members.contains(found.zone))
    }

    fn ahead(&self, report: &mut ScrubReport) {
        for (zone, span, file) in &self.ahead {
            let label = segment::check(file.clone(), self.view.id, *zone, span.index);
            let Some(found) = report.zone(*zone).filter(|_| !matches!(label, Ok(Some(_)))) else {
                continue;
            };
            found.rotten_files += 1;
            let mended = self.target(*zone).relabel(span, file.as_ref());
            found.settle(mended.and_then(|()| file.sync_data(SyncReason::Mend)));
        }
    }

    fn reread(&self, ranges: &[Range], copy: &mut Copy) -> io::Result<()> {
        for range in ranges {
            let mut at = range.from;
            while at.offset < range.end {
                let Some((header, _)) = copy.frame(self.view.id, at, None) else {
                    let why = format!("frame {} does not check after repair", at.sequence);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                };
                at = at.past(&header);
            }
        }
        Ok(())
    }

    /// Open files stay writable when their names are gone, and lose everything when closed.
    fn names(&self, report: &mut ScrubReport) {
        for found in self.members(report) {
            let disk = &self.disks[found.zone];
            let listed = disk.present().and_then(|()| disk.list());
            let names = match listed {
                Ok(names) => names,
                Err(error) => {
                    found.settle(Err(error));
                    continue;
                }
            };
            let wanted = self.view.segments.iter().map(|segment| segment::name(segment.index));
            let wanted = wanted.chain([identity::NAME.to_owned()]);
            let names: HashSet<String> = names.into_iter().collect();
            if let Some(gone) = wanted.into_iter().find(|name| !names.contains(name)) {
                let why = format!("{gone} is gone from the directory");
                found.settle(Err(io::Error::new(io::ErrorKind::NotFound, why)));
            }
        }
    }

    fn identities(&self, report: &mut ScrubReport) {
        for found in self.members(report) {
            let disk = self.disks[found.zone].as_ref();
            let (id, zones) = (self.view.id, self.disks.len());
            let identity = Identity { id, zone: found.zone, zones };
            let mended = identity::read(disk).and_then(|held| {
                if held == Some(identity) {
                    return Ok(false);
                }
                identity::write(disk, identity)?;
                Ok(true)
            });
            match mended {
                Ok(false) => {}
                Ok(true) => {
                    found.rotten_files += 1;
                    found.settle(Ok(()));
                }
                Err(error) => found.settle(Err(error)),
            }
        }
    }

    fn snapshots(&self, meta: &Meta, report: &mut ScrubReport) {
        let name = snapshot::name(&meta.at);
        let check = |zone: usize| {
            let file = self.disks[zone].open(&name)?;
            let good = snapshot::check(&file, self.view.id)? == Some(meta.clone());
            io::Result::Ok(good.then_some(file))
        };
        let good = self.view.members.zones().find_map(|zone| check(zone).ok().flatten());
        for found in self.members(report) {
            let zone = found.zone;
            if matches!(check(zone), Ok(Some(_))) {
                continue;
            }
            found.rotten_files += 1;
            let rotten = || io::Error::new(io::ErrorKind::InvalidData, "the snapshot has rotted");
            let mended = good.as_ref().ok_or_else(rotten).and_then(|file| {
                self.target(zone).copy_snapshot(meta, file)?;
                check(zone)?.map(drop).ok_or_else(rotten)
            });
            found.settle(mended);
        }
    }
}

impl ScrubReport {
    fn zone(&mut self, zone: usize) -> Option<&mut ZoneScrub> {
        self.zones.iter_mut().find(|found| found.zone == zone)
    }
}

impl ZoneScrub {
    fn settle(&mut self, mended: io::Result<()>) {
        match mended {
            Ok(()) => self.repaired = self.failure.is_none(),
            Err(error) => {
                self.repaired = false;
                self.failure.get_or_insert(error.to_string());
            }
        }
    }
}
