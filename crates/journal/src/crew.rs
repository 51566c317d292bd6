//! Who does the zones' work: threads, or in simulation the caller alone in a seeded order.

use std::io;
use std::sync::{Arc, PoisonError};

use crate::log::{Spare, SpareJob};
use crate::sync::mpsc::{Receiver, Sender, channel};
use crate::sync::{Condvar, Mutex, thread};

pub(crate) type Job = Box<dyn FnOnce() -> io::Result<()> + Send>;
type Task = (usize, Job, Sender<(usize, io::Result<()>)>);

pub(crate) enum Crew {
    /// One after the other, in an order drawn from the seed.
    #[cfg(test)]
    Alone {
        seed: u64,
    },
    Threads {
        workers: Vec<Sender<Task>>,
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
        let mut workers = Vec::new();
        // The caller does one zone's work itself: one hand-over less for each commit.
        for zone in 1..zones {
            let (sender, tasks) = channel::<Task>();
            thread::Builder::new().name(format!("journal-zone-{zone}")).spawn(|| work(tasks))?;
            workers.push(sender);
        }
        let (filler, jobs) = channel::<(SpareJob, Arc<Slot>)>();
        thread::Builder::new().name("journal-fill".to_owned()).spawn(|| fill(jobs))?;
        Ok(Crew::Threads { workers, filler })
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
            Crew::Threads { workers, .. } => {
                let own = jobs.pop();
                let (sender, results) = channel();
                let mut done = Vec::with_capacity(jobs.len() + 1);
                for ((zone, job), worker) in jobs.into_iter().zip(workers) {
                    if let Err(task) = worker.send((zone, job, sender.clone())) {
                        let (zone, job, _) = task.0;
                        done.push((zone, job()));
                    }
                }
                drop(sender);
                if let Some((zone, job)) = own {
                    done.push((zone, job()));
                }
                done.extend(results);
                done
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

fn work(tasks: Receiver<Task>) {
    for (zone, job, done) in tasks {
        // The caller is gone only when the whole journal is.
        let _ = done.send((zone, job()));
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
