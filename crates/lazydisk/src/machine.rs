//! The disks of one machine, which lose their power together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fuser::Errno;

use crate::dice::Dice;
use crate::tree::{Ignored, Lost, Tree};

/// One lock over all disks: what is done is done before a power cut or not at all.
pub struct Machine {
    state: Mutex<State>,
    turned: Condvar,
}

struct State {
    power: Power,
    disks: Vec<Tree>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    /// So many more changes and syncs are done, and nothing after them.
    Ending(u64),
    /// Nothing is answered any more: the moment of the power cut, seen from the disks.
    Frozen,
    /// What was not synced is gone, and everything fails until the machine is started.
    Off,
}

/// What an operation is to the count of [`Machine::freeze_after`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Looks,
    Changes,
}

impl Machine {
    pub fn new(disks: usize) -> Machine {
        let disks = std::iter::repeat_with(Tree::new).take(disks).collect();
        let state = State { power: Power::On, disks };
        Machine { state: Mutex::new(state), turned: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something on a disk while there is power; waits while nobody knows.
    pub fn operate<T>(
        &self,
        disk: usize,
        effect: Effect,
        operation: impl FnOnce(&mut Tree) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut state = self.lock();
        if effect == Effect::Changes && state.power == Power::Ending(0) {
            self.turn(&mut state, Power::Frozen);
        }
        while state.power == Power::Frozen {
            state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match (&mut state.power, effect) {
            (Power::Off, _) => return Err(Errno::EIO),
            (Power::Ending(left), Effect::Changes) => *left -= 1,
            _ => {}
        }
        operation(&mut state.disks[disk])
    }

    fn turn(&self, state: &mut State, power: Power) {
        state.power = power;
        self.turned.notify_all();
    }

    pub fn freeze_after(&self, changes: u64) {
        self.turn(&mut self.lock(), Power::Ending(changes));
    }

    /// Whether the disks stood still within this time.
    pub fn froze_within(&self, time: Duration) -> bool {
        let running = |state: &mut State| state.power != Power::Frozen;
        let waited = self.turned.wait_timeout_while(self.lock(), time, running);
        waited.unwrap_or_else(PoisonError::into_inner).0.power == Power::Frozen
    }

    /// Cuts the power; `keep_in_8` in the place of a share that each disk's seed draws.
    pub fn cut(&self, seed: u64, keep_in_8: Option<u64>) -> Lost {
        let mut state = self.lock();
        let mut all = Lost::default();
        for (seed, disk) in (seed.wrapping_mul(8)..).zip(&mut state.disks) {
            let dice = keep_in_8.map(|keep| Dice::keeping(seed, keep));
            let lost = disk.cut(&mut dice.unwrap_or_else(|| Dice::of(seed)));
            all.pages += lost.pages;
            all.changes += lost.changes;
        }
        self.turn(&mut state, Power::Off);
        all
    }

    pub fn start(&self) {
        self.turn(&mut self.lock(), Power::On);
    }

    pub fn ignore(&self, what: &Ignored) {
        self.lock().disks.iter_mut().for_each(|disk| disk.ignore(what.clone()));
    }

    pub fn heed_all(&self) {
        self.lock().disks.iter_mut().for_each(Tree::heed_all);
    }

    /// Of all disks, each path after its disk's number and a colon.
    pub fn unsynced(&self) -> Vec<String> {
        let state = self.lock();
        let numbered = state.disks.iter().enumerate().flat_map(|(number, disk)| {
            disk.unsynced().into_iter().map(move |path| format!("{number}:{path}"))
        });
        numbered.collect()
    }

    /// For each disk, the syncs of its files whose path begins with `prefix`.
    pub fn syncs(&self, prefix: &str) -> Vec<u64> {
        self.lock().disks.iter().map(|disk| disk.syncs(prefix)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::tree::{Content, Folder, ROOT};

    fn make(machine: &Machine, disk: usize, name: &str) -> Result<u64, Errno> {
        let folder = || Content::Folder(Folder::default());
        machine.operate(disk, Effect::Changes, |tree| tree.make(ROOT, name, 0o755, folder()))
    }

    #[test]
    fn nothing_is_done_between_the_last_change_and_the_start() {
        let machine = Machine::new(2);
        machine.freeze_after(1);
        make(&machine, 0, "before").unwrap();
        assert!(!machine.froze_within(Duration::ZERO));
        thread::scope(|scope| {
            let late = scope.spawn(|| make(&machine, 1, "late"));
            assert!(machine.froze_within(Duration::from_secs(30)));
            assert_eq!(machine.cut(0, Some(8)).changes, 0);
            assert_eq!(i32::from(late.join().unwrap().unwrap_err()), i32::from(Errno::EIO));
        });
        machine.start();
        let found = |disk| machine.operate(disk, Effect::Looks, |tree| tree.list(ROOT)).unwrap();
        assert_eq!((found(0).len(), found(1).len()), (1, 0));
    }
}
