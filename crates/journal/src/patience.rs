//! A short wait for other threads that are about to do something, without going to sleep: being
//! woken costs more than most such waits last.

use std::time::{Duration, Instant};

use crate::sync::thread;

/// About what it takes to put a thread to sleep and wake it.
const MOST: Duration = Duration::from_micros(15);
const TURNS_MAX: u32 = 64;

pub(crate) struct Patience {
    since: Instant,
    turns: u32,
}

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience { since: Instant::now(), turns: 0 }
    }

    /// Lets other threads run; `false` when there has been enough of it. One turn may be long on
    /// a busy machine, and then it is the only one.
    pub(crate) fn turn(&mut self) -> bool {
        // Threads that are run in a drawn order must not depend on the time.
        let timed = cfg!(not(all(test, shuttle)));
        if self.turns == TURNS_MAX || (timed && self.turns > 0 && self.since.elapsed() > MOST) {
            return false;
        }
        self.turns += 1;
        thread::yield_now();
        true
    }
}
