//! Threads around the log: a queue of submitted payloads, one committer, and maintenance that
//! runs beside it.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::attach::{Attach, ReattachError};
use crate::crew::Crew;
use crate::disk::Disk;
use crate::frames::{Frames, ReadError};
use crate::log::{DetachError, Log, View};
use crate::maintain::{self, SnapshotError, SnapshotPlan};
use crate::patience::Patience;
use crate::recover::{self, OpenError, RecoveredSnapshot};
use crate::scrub::{Part, ScrubReport};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::ticket::Settler;
use crate::{
    CommitError, Extent, JournalId, Options, Place, Sequence, Ticket, ZoneHealth, ZoneReport,
};

/// Payloads in one group at most, so that one frame's failure is not everybody's.
const GROUP_FRAMES_MAX: usize = 4096;

/// A handle to a running journal; clones share it. When the last is dropped, what was submitted
/// is committed and the threads end.
#[derive(Clone)]
pub struct Journal {
    running: Arc<Running>,
}

/// What opening found.
pub struct Recovery {
    /// The newest snapshot, if there is one; a checkpoint is one with an empty body.
    pub snapshot: Option<RecoveredSnapshot>,
    /// Payloads after the snapshot or checkpoint, up to now. Read them before the next one is
    /// made.
    pub frames: Frames,
    /// A report for each zone.
    pub zones: Vec<ZoneReport>,
    /// Whether there was no journal before.
    pub created: bool,
}

struct Running {
    shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    log: Mutex<Log>,
    /// The log as of the last commit, for readers.
    view: Mutex<View>,
    /// Snapshot, scrub and reattach, one at a time.
    maintenance: Mutex<()>,
    options: Options,
    epoch: u64,
    rotten_reads: AtomicU64,
    /// How many of them were before the last scrub.
    rotten_scrubbed: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Bytes, Settler)>,
    /// Payload bytes waiting or being committed.
    bytes: usize,
    /// Those who wait for more to read.
    readers: Vec<Waker>,
    /// The committer waits to be woken.
    asleep: bool,
    closed: bool,
    stopped: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves the log as it was between two steps, each of which a crash may end too.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Opens the journal in these zones, in their order, or makes a new one where all are empty.
    /// Blocks while zones are read and repaired.
    pub fn open(
        disks: impl Into<Vec<Arc<dyn Disk>>>,
        options: Options,
    ) -> Result<(Journal, Recovery), OpenError> {
        let disks = disks.into();
        let crew = Crew::threads(disks.len()).map_err(OpenError::Thread)?;
        let recovered = recover::open(disks, options.clone(), crew)?;
        let (view, epoch) = (recovered.log.view(), recovered.log.epoch);
        let frames = recovery_frames(&recovered.log);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            view: Mutex::new(view),
            log: Mutex::new(recovered.log),
            maintenance: Mutex::new(()),
            options,
            epoch,
            rotten_reads: AtomicU64::new(0),
            rotten_scrubbed: AtomicU64::new(0),
        });
        let committing = shared.clone();
        let committer = thread::Builder::new()
            .name("journal-commit".to_owned())
            .spawn(move || commit(&committing))
            .map_err(OpenError::Thread)?;
        let running = Running { shared, committer: Mutex::new(Some(committer)) };
        let recovery = Recovery {
            snapshot: recovered.snapshot,
            frames,
            zones: recovered.reports,
            created: recovered.created,
        };
        Ok((Journal { running: Arc::new(running) }, recovery))
    }

    /// Hands a payload in. Payloads are in the log in the order of these calls; each ticket says
    /// what became of its own. Never blocks: with a full queue, or a payload over
    /// [`Options::payload_bytes_max`], the ticket says `Unavailable` at once.
    pub fn submit(&self, payload: Bytes) -> Ticket {
        let shared = &self.running.shared;
        let refused = |why: String| Ticket::refused(CommitError::Unavailable(why));
        let (most, bytes) = (shared.options.payload_bytes_max, payload.len());
        if bytes > most {
            return refused(format!("a payload of {bytes} bytes is over payload_bytes_max {most}"));
        }
        let mut queue = lock(&shared.queue);
        if queue.closed {
            return refused("the journal is closed".to_owned());
        }
        if queue.bytes > 0 && queue.bytes + bytes > shared.options.queue_bytes_max {
            return refused(format!("the queue holds {} bytes already", queue.bytes));
        }
        let (ticket, settler) = Ticket::pair();
        queue.bytes += bytes;
        queue.waiting.push_back((payload, settler));
        let asleep = queue.asleep;
        drop(queue);
        if asleep {
            shared.wake.notify_one();
        }
        ticket
    }

    /// The last acknowledged sequence.
    pub fn committed(&self) -> Sequence {
        lock(&self.running.shared.view).end.last()
    }

    /// The payloads after `after`, up to the last acknowledged; call again after `None` for more.
    pub fn read(&self, after: Sequence) -> Result<Frames, ReadError> {
        let view = lock(&self.running.shared.view).clone();
        let shared = self.running.shared.clone();
        Frames::after(view, after, Box::new(move || lock(&shared.view).clone()))
    }

    /// The payload of `payload_bytes` at `place`, as a ticket or a [`crate::Frame`] gave it: one
    /// read and its checksum. Where one zone's copy does not check another's is taken, and
    /// [`Journal::rotten_reads`] counts it.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] when the log is no longer kept there; [`ReadError::NoFrame`]
    /// when no healthy zone has such a frame.
    pub fn frame_at(&self, place: Place, payload_bytes: usize) -> Result<Bytes, ReadError> {
        let shared = &self.running.shared;
        let pick = lock(&shared.view).pick(place)?;
        match pick.payload(place, payload_bytes) {
            Ok((payload, 0)) => Ok(payload),
            Ok((payload, rotten)) => {
                shared.rotten_reads.fetch_add(rotten, Ordering::Relaxed);
                Ok(payload)
            }
            Err(error) => {
                // The files may have gone while they were read.
                lock(&shared.view).pick(place)?;
                shared.rotten_reads.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// How many copies [`Journal::frame_at`] has passed over because they did not check, since
    /// opening. When it rises, a scrub is due.
    pub fn rotten_reads(&self) -> u64 {
        self.running.shared.rotten_reads.load(Ordering::Relaxed)
    }

    /// The segments that hold the log, oldest first, for an owner who wants to empty some.
    pub fn segments(&self) -> Vec<Extent> {
        lock(&self.running.shared.view).extents()
    }

    /// Which journal it is: what was derived from another one is of no use here.
    pub fn id(&self) -> JournalId {
        lock(&self.running.shared.view).id
    }

    /// Strictly higher at each opening of this journal, so that an owner can make ids which no
    /// earlier run has made.
    pub fn epoch(&self) -> u64 {
        self.running.shared.epoch
    }

    /// Resolves to `true` once something after `after` is acknowledged, to `false` when the
    /// journal has closed or stopped before that.
    pub fn past(&self, after: Sequence) -> Past {
        Past { shared: self.running.shared.clone(), after }
    }

    /// Keeps `body` as the view of everything up to `upto`, in every healthy zone, and then lets
    /// go of the segments wholly before it. An owner makes either snapshots or checkpoints. Blocks; commits go on meanwhile. A snapshot at or
    /// before the newest one does nothing.
    pub fn snapshot(&self, upto: Sequence, body: &mut dyn Read) -> Result<(), SnapshotError> {
        self.keep(body, |log| SnapshotPlan::begin(log, upto))
    }

    /// For an owner whose log is the only copy of what it keeps: says that the owner's view of
    /// everything up to `upto` is durable elsewhere, or can be made again from the log.
    /// [`Recovery::frames`] begin after it, and opening costs time for what comes after it only.
    /// Segments before the one of `keep_from` go; from it on frames stay readable. Neither goes
    /// back: the later of two `upto`s counts, and what has gone is gone. Blocks for a few syncs;
    /// commits go on meanwhile.
    pub fn checkpoint(&self, upto: Sequence, keep_from: Place) -> Result<(), SnapshotError> {
        self.keep(&mut io::empty(), |log| SnapshotPlan::checkpoint(log, upto, keep_from))
    }

    fn keep(
        &self,
        body: &mut dyn Read,
        plan: impl FnOnce(&Log) -> Result<Option<SnapshotPlan>, SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let shared = &self.running.shared;
        let _one = lock(&shared.maintenance);
        let plan = plan(&lock(&shared.log));
        let Some(plan) = plan? else { return Ok(()) };
        let written = plan.write(body)?;
        let mut log = lock(&shared.log);
        let finished = written.finish(&mut log);
        shared.publish(&log);
        drop(log);
        finished?.remove();
        Ok(())
    }

    pub fn health(&self) -> Vec<ZoneHealth> {
        let log = lock(&self.running.shared.log);
        log.zones.iter().map(|zone| zone.health.clone()).collect()
    }

    /// Why nothing is taken any more, if so; opening again decides what became of it.
    pub fn stopped(&self) -> Option<String> {
        lock(&self.running.shared.log).stopped.clone()
    }

    /// Reads everything in every healthy zone, writes again what does not check from another
    /// zone, and reads that back. A zone that cannot be repaired is dropped. Blocks; commits go
    /// on meanwhile, and snapshots, checkpoints and the like between two segments.
    pub fn scrub(&self) -> ScrubReport {
        let shared = &self.running.shared;
        shared.rotten_scrubbed.store(self.rotten_reads(), Ordering::Relaxed);
        let mut report = ScrubReport::default();
        let mut part = Part::first();
        while let Some(this) = part {
            let _one = lock(&shared.maintenance);
            let scrub = maintain::scrub_of(&mut lock(&shared.log));
            part = scrub.part(this, &mut report);
            if report.zones.iter().any(|found| found.failure.is_some()) {
                let mut log = lock(&shared.log);
                maintain::drop_failed(&mut log, &report);
                shared.publish(&log);
            }
        }
        report
    }

    /// Copies everything into a failed zone again and makes it a member: it is healthy when this
    /// returns. With a disk, that takes the zone's place; without, the one it had is used, opened
    /// anew where it must be. What the zone's directory held of this
    /// journal is removed first; nothing in it is believed. Blocks; commits go on meanwhile.
    pub fn reattach(&self, zone: usize, disk: Option<Arc<dyn Disk>>) -> Result<(), ReattachError> {
        let shared = &self.running.shared;
        let _one = lock(&shared.maintenance);
        let had = lock(&shared.log).zones.get(zone).map(|zone| zone.disk.clone());
        let disk = match (disk, had) {
            (None, Some(had)) => had.renew().map_err(|error| {
                let why = error.to_string();
                ReattachError::Failed { zone, why }
            })?,
            (disk, _) => disk,
        };
        let mut attach = Attach::begin(&mut lock(&shared.log), zone, disk)?;
        let copied = attach.copy();
        let copied = copied.and_then(|()| attach.follow(|| lock(&shared.log).view()));
        let mut log = lock(&shared.log);
        let joined = match copied {
            Ok(()) => attach.finish(&mut log),
            Err(error) => {
                log.zones[zone].health = ZoneHealth::Failed(error.to_string());
                Err(error)
            }
        };
        shared.publish(&log);
        joined
    }

    /// Takes a zone out of use, as before its disk is changed: nothing is written there any more,
    /// and tending leaves it alone until [`Journal::release`] lets it, or until
    /// [`Journal::reattach`] brings it back. Opening the journal again takes up every zone that
    /// can be used.
    ///
    /// # Errors
    /// Fewer than [`Options::min_zones`] would be left. Nothing has changed then.
    pub fn detach(&self, zone: usize, why: &str) -> Result<(), DetachError> {
        let shared = &self.running.shared;
        let _one = lock(&shared.maintenance);
        let mut log = lock(&shared.log);
        let detached = log.detach(zone, why);
        shared.publish(&log);
        detached
    }

    /// Leaves a zone that was taken out by [`Journal::detach`] to tending again, which copies
    /// into it as into any failed one.
    pub fn release(&self, zone: usize) {
        if let Some(zone) = lock(&self.running.shared.log).zones.get_mut(zone) {
            zone.detached = false;
        }
    }

    pub(crate) fn is_detached(&self, zone: usize) -> bool {
        lock(&self.running.shared.log).zones[zone].detached
    }

    /// Drops zones whose directory, or a file in it, is no longer there.
    pub(crate) fn drop_vanished(&self) {
        let shared = &self.running.shared;
        let _one = lock(&shared.maintenance);
        let scrub = maintain::scrub_of(&mut lock(&shared.log));
        let report = scrub.look();
        if report.zones.iter().any(|found| found.failure.is_some()) {
            let mut log = lock(&shared.log);
            maintain::drop_failed(&mut log, &report);
            shared.publish(&log);
        }
    }

    /// Whether [`Journal::frame_at`] met rot since the last scrub.
    pub(crate) fn met_rot(&self) -> bool {
        let shared = &self.running.shared;
        self.rotten_reads() > shared.rotten_scrubbed.load(Ordering::Relaxed)
    }

    /// Commits what was submitted and ends the threads; later calls answer `Unavailable`.
    pub fn close(&self) {
        self.running.close();
    }
}

pub(crate) fn recovery_frames(log: &Log) -> Frames {
    let view = log.view();
    let snapshot = log.snapshot.as_ref().map(|meta| meta.at.last());
    let after = snapshot.unwrap_or_else(|| view.first().last());
    let fixed = view.clone();
    Frames::after(view, after, Box::new(move || fixed.clone()))
        .expect("the log begins where its first segment does")
}

impl Running {
    fn close(&self) {
        lock(&self.shared.queue).closed = true;
        self.shared.wake.notify_all();
        if let Some(committer) = lock(&self.committer).take()
            && committer.join().is_err()
        {
            tracing::error!("the journal's committer panicked");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Makes what is in force readable and wakes those who wait for it.
    fn publish(&self, log: &Log) {
        *lock(&self.view) = log.view();
        let mut queue = lock(&self.queue);
        queue.stopped = log.stopped.is_some();
        let readers = std::mem::take(&mut queue.readers);
        drop(queue);
        readers.into_iter().for_each(Waker::wake);
    }

    /// The next group; `None` when the journal is closed and everything is committed. `last` is
    /// how many the group before had.
    fn next_group(&self, last: usize) -> Option<(Vec<Bytes>, Vec<Settler>)> {
        let mut queue = lock(&self.queue);
        // Those just answered are about to submit again: a sync for all of them costs what one for
        // the first of them does.
        let mut patience = Patience::new();
        while !queue.closed && queue.waiting.len() < last {
            drop(queue);
            let more = patience.turn();
            queue = lock(&self.queue);
            if !more {
                break;
            }
        }
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            queue.asleep = true;
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.asleep = false;
        }
        let (mut payloads, mut settlers, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((payload, _)) = queue.waiting.front() {
            bytes += payload.len();
            let over = bytes > self.options.group_bytes_max || payloads.len() == GROUP_FRAMES_MAX;
            if over && !payloads.is_empty() {
                break;
            }
            let (payload, settler) = queue.waiting.pop_front().expect("there is a front");
            payloads.push(payload);
            settlers.push(settler);
        }
        Some((payloads, settlers))
    }
}

/// The committer's thread.
fn commit(shared: &Shared) {
    let mut last = 0;
    while let Some((payloads, settlers)) = shared.next_group(last) {
        last = payloads.len();
        let mut log = lock(&shared.log);
        let done = log.append(&payloads);
        shared.publish(&log);
        drop(log);
        lock(&shared.queue).bytes -= payloads.iter().map(Bytes::len).sum::<usize>();
        let mut done = done;
        for (settler, payload) in settlers.into_iter().zip(&payloads) {
            let next = done.clone().map(|this| this.next(payload.len()));
            settler.settle(std::mem::replace(&mut done, next));
        }
    }
    let mut log = lock(&shared.log);
    log.stopped.get_or_insert_with(|| "the journal is closed".to_owned());
    log.finish_spare();
    shared.publish(&log);
}

/// See [`Journal::past`].
pub struct Past {
    shared: Arc<Shared>,
    after: Sequence,
}

impl Future for Past {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        // Registered before looking: what is published in between wakes this task again.
        let mut queue = lock(&self.shared.queue);
        queue.readers.push(context.waker().clone());
        let ended = queue.closed || queue.stopped;
        drop(queue);
        if lock(&self.shared.view).end.last() > self.after {
            return Poll::Ready(true);
        }
        if ended { Poll::Ready(false) } else { Poll::Pending }
    }
}
