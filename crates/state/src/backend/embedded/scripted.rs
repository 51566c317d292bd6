//! A log in memory that loses what it is told to lose, when it is told.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::log::{Log, Lost, Opened, Opener, Place, Ticket};

/// What becomes of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    /// Not taken; the log goes on.
    Refused,
    /// The log stops; the payload is in it.
    UnknownKept,
    /// The log stops; the payload is not in it.
    UnknownLost,
}

pub(super) type Judge = Box<dyn FnMut() -> Fate + Send>;

#[derive(Clone)]
pub(super) struct ScriptedDisk(Arc<Shared>);

struct Shared {
    kept: Mutex<Kept>,
    /// Whether tickets settle at all; a closed gate holds them back.
    gate: watch::Sender<bool>,
}

struct Kept {
    image: Option<(Place, Vec<u8>)>,
    payloads: Vec<(Place, Bytes)>,
    last: u64,
    judge: Judge,
    opens: usize,
    refuse_opening: bool,
}

impl ScriptedDisk {
    pub(super) fn new(judge: impl FnMut() -> Fate + Send + 'static) -> Self {
        let kept = Kept {
            image: None,
            payloads: Vec::new(),
            last: 0,
            judge: Box::new(judge),
            opens: 0,
            refuse_opening: false,
        };
        Self(Arc::new(Shared { kept: Mutex::new(kept), gate: watch::Sender::new(true) }))
    }

    pub(super) fn judge(&self, judge: impl FnMut() -> Fate + Send + 'static) {
        self.kept().judge = Box::new(judge);
    }

    /// Tickets settle only while the gate is open.
    pub(super) fn gate(&self, open: bool) {
        self.0.gate.send_replace(open);
    }

    pub(super) fn refuse_opening(&self, refuse: bool) {
        self.kept().refuse_opening = refuse;
    }

    pub(super) fn opens(&self) -> usize {
        self.kept().opens
    }

    /// Payloads kept since the last image.
    pub(super) fn payloads(&self) -> usize {
        self.kept().payloads.len()
    }

    /// An acknowledged payload is gone: what must never be.
    pub(super) fn lose_newest(&self) {
        self.kept().payloads.pop();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().expect("not poisoned")
    }
}

struct ScriptedLog {
    disk: ScriptedDisk,
    stopped: Mutex<bool>,
}

impl Log for ScriptedLog {
    fn submit(&self, payload: Bytes) -> Ticket {
        let mut stopped = self.stopped.lock().expect("not poisoned");
        let mut kept = self.disk.kept();
        let fate = if *stopped { Fate::Refused } else { (kept.judge)() };
        if matches!(fate, Fate::Kept | Fate::UnknownKept) {
            kept.last += 3;
            let place = Place(kept.last);
            kept.payloads.push((place, payload));
        }
        *stopped |= matches!(fate, Fate::UnknownKept | Fate::UnknownLost);
        let outcome = match fate {
            Fate::Kept => Ok(Place(kept.last)),
            Fate::Refused => Err(Lost::Unavailable("refused".into())),
            Fate::UnknownKept | Fate::UnknownLost => Err(Lost::Unknown("stopped".into())),
        };
        let mut gate = self.disk.0.gate.subscribe();
        let (settle, settled) = oneshot::channel();
        tokio::spawn(async move {
            let _ = gate.wait_for(|open| *open).await;
            let _ = settle.send(outcome);
        });
        Box::pin(async move { settled.await.unwrap_or(Err(Lost::Unknown("ended".into()))) })
    }

    fn snapshot(&self, upto: Place, image: Vec<u8>) -> Result<(), String> {
        let mut kept = self.disk.kept();
        // A life that was killed may still be at it while the next one has made a newer one.
        if kept.image.as_ref().is_some_and(|(newest, _)| upto <= *newest) {
            return Ok(());
        }
        kept.payloads.retain(|(place, _)| *place > upto);
        kept.image = Some((upto, image));
        Ok(())
    }

    fn zones(&self) -> Vec<journal::ZoneHealth> {
        Vec::new()
    }

    fn tend(&self, _: bool) {}

    fn detach(&self, _: usize, _: &str) -> Result<(), String> {
        Err("there are no zones".into())
    }

    fn release(&self, _: usize) {}

    fn stopped(&self) -> bool {
        *self.stopped.lock().expect("not poisoned")
    }
}

impl Opener for ScriptedDisk {
    fn open(&self) -> Result<Opened, String> {
        let mut kept = self.kept();
        kept.opens += 1;
        if kept.refuse_opening {
            return Err("told to".into());
        }
        Ok(Opened {
            log: Arc::new(ScriptedLog { disk: self.clone(), stopped: Mutex::new(false) }),
            image: kept.image.clone(),
            payloads: Box::new(kept.payloads.clone().into_iter().map(Ok)),
            found: Vec::new(),
        })
    }
}
