//! Who does the zones' work: threads, or in simulation the caller alone in a seeded order.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use crate::log::{Spare, SpareJob};
use crate::sync::mpsc::{Receiver, Sender, channel};
use crate::sync::{Condvar, Mutex, thread};

pub(crate) type Job = Box<dyn FnOnce() -> io::Result<()> + Send>;
type Done = (usize, io::Result<()>);

pub(crate) enum Crew {
    /// One after the other, in an order drawn from the seed.
    #[cfg(test)]
    Alone {
        seed: u64,
    },
    Threads {
        workers: Vec<Worker>,
        round: Arc<Round>,
        filler: Sender<(SpareJob, Arc<Slot>)>,
    },
}

/// Where a spare segment appears when it has been made.
#[derive(Default)]
pub(crate) struct Slot {
    spare: Mutex<Option<Spare>>,
    ready: Condvar,
}

impl Slot {
    fn put(&self, spare: Spare) {
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(spare);
        self.ready.notify_all();
    }

    /// If it has been made.
    pub(crate) fn try_take(&self) -> Option<Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn take(&self) -> Spare {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match spare.take() {
                Some(spare) => return spare,
                None => {
                    spare = self.ready.wait(spare).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// Puts an empty spare in the slot if the job is dropped or panics, so that nobody waits for
/// ever.
struct Promised(Option<Arc<Slot>>);

impl Drop for Promised {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.put(Spare::none());
        }
    }
}

impl Crew {
    /// Threads for `zones` zones. They end when the crew is dropped.
    pub(crate) fn threads(zones: usize) -> io::Result<Crew> {
        let round = Arc::new(Round::default());
        // The caller does one zone's work itself: one hand-over less for each commit.
        let workers = (1..zones).map(|zone| Worker::start(zone, &round));
        let workers = workers.collect::<io::Result<_>>()?;
        let (filler, jobs) = channel::<(SpareJob, Arc<Slot>)>();
        thread::Builder::new().name("journal-fill".to_owned()).spawn(|| fill(jobs))?;
        Ok(Crew::Threads { workers, round, filler })
    }

    /// Runs every zone's job and waits for all.
    pub(crate) fn run(&mut self, mut jobs: Vec<(usize, Job)>) -> Vec<(usize, io::Result<()>)> {
        match self {
            #[cfg(test)]
            Crew::Alone { seed } => {
                let mut done = Vec::with_capacity(jobs.len());
                while !jobs.is_empty() {
                    let pick = crate::sim::draw(seed) % jobs.len() as u64;
                    let pick = usize::try_from(pick).expect("less than the jobs");
                    let (zone, job) = jobs.swap_remove(pick);
                    done.push((zone, job()));
                }
                done
            }
            Crew::Threads { workers, round, .. } => {
                let own = jobs.pop();
                let extra = jobs.split_off(workers.len().min(jobs.len()));
                round.begin(jobs.len());
                for (task, worker) in jobs.into_iter().zip(workers) {
                    worker.tray.put(Tray::Task(task));
                }
                let mut own: Vec<Done> =
                    own.into_iter().chain(extra).map(|(zone, job)| (zone, job())).collect();
                own.append(&mut round.wait());
                own
            }
        }
    }

    pub(crate) fn make_spare(&mut self, job: SpareJob) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        match self {
            #[cfg(test)]
            Crew::Alone { .. } => slot.put(job.run()),
            Crew::Threads { filler, .. } => {
                if filler.send((job, slot.clone())).is_err() {
                    slot.put(Spare::none());
                }
            }
        }
        slot
    }
}

/// What the workers of one round have done. The caller is woken once, by the last of them.
#[derive(Default)]
pub(crate) struct Round {
    state: Mutex<RoundState>,
    ended: Condvar,
}

#[derive(Default)]
struct RoundState {
    pending: usize,
    done: Vec<Done>,
}

impl Round {
    fn begin(&self, pending: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).pending = pending;
    }

    fn end(&self, done: Done) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done.push(done);
        state.pending -= 1;
        let last = state.pending == 0;
        drop(state);
        if last {
            self.ended.notify_one();
        }
    }

    fn wait(&self) -> Vec<Done> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.pending > 0 {
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.done)
    }
}

/// A thread that works for one zone; it ends when this is dropped.
pub(crate) struct Worker {
    tray: Arc<InTray>,
}

/// Where a worker finds what it is to do.
#[derive(Default)]
struct InTray {
    tray: Mutex<Tray>,
    wake: Condvar,
}

#[derive(Default)]
enum Tray {
    #[default]
    Empty,
    Task((usize, Job)),
    Closed,
}

impl InTray {
    fn put(&self, tray: Tray) {
        *self.tray.lock().unwrap_or_else(PoisonError::into_inner) = tray;
        self.wake.notify_one();
    }

    fn take(&self) -> Option<(usize, Job)> {
        let mut tray = self.tray.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match std::mem::take(&mut *tray) {
                Tray::Task(task) => return Some(task),
                Tray::Closed => return None,
                Tray::Empty => tray = self.wake.wait(tray).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Worker {
    fn start(zone: usize, round: &Arc<Round>) -> io::Result<Worker> {
        let (tray, round) = (Arc::new(InTray::default()), round.clone());
        let worker = Worker { tray: tray.clone() };
        let work = move || {
            while let Some((zone, job)) = tray.take() {
                // Nobody waits for ever, and the zone is dropped.
                let done = catch_unwind(AssertUnwindSafe(job))
                    .unwrap_or_else(|_| Err(io::Error::other("its thread panicked")));
                round.end((zone, done));
            }
        };
        thread::Builder::new().name(format!("journal-zone-{zone}")).spawn(work)?;
        Ok(worker)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tray.put(Tray::Closed);
    }
}

fn fill(jobs: Receiver<(SpareJob, Arc<Slot>)>) {
    for (job, slot) in jobs {
        let mut promised = Promised(Some(slot));
        let spare = job.run();
        if let Some(slot) = promised.0.take() {
            slot.put(spare);
        }
    }
}
