//! Lines on their way out: gathered from all threads, written by one, many with one write.
//!
//! A line waits [`limits::LOG_DELAY_MAX`] at most. When more than [`limits::LOG_BYTES_MAX`]
//! wait, because nobody reads what is written, whoever has another waits too: none is dropped.

use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard};

use crate::limits;

pub struct Lines {
    waiting: Mutex<Waiting>,
    /// For the writer: there is something to write.
    filled: Condvar,
    /// For those whose line did not fit: there is room.
    emptied: Condvar,
    /// Locked before `waiting` is emptied, so that lines keep their order.
    output: Mutex<Output>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The writer should not wait for more.
    hurry: bool,
    closed: bool,
}

struct Output {
    to: Box<dyn Write + Send>,
    /// What was written last, for its memory.
    written: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// With the others of the next moment.
    Soon,
    /// Warnings: whatever follows may end the process.
    Now,
}

impl Lines {
    pub fn new(to: impl Write + Send + 'static) -> Self {
        let output = Output { to: Box::new(to), written: Vec::new() };
        Self {
            waiting: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            output: Mutex::new(output),
        }
    }

    /// Adds a line, which ends with its newline.
    pub fn push(&self, line: &[u8], urgency: Urgency) {
        let full =
            |waiting: &mut Waiting| waiting.bytes.len() >= limits::LOG_BYTES_MAX && !waiting.closed;
        let waiting = self.emptied.wait_while(lock(&self.waiting), full);
        let mut waiting = waiting.expect(NEVER_POISONED);
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        let hurry = urgency == Urgency::Now || waiting.bytes.len() >= limits::LOG_BATCH_BYTES;
        let wake = first || (hurry && !waiting.hurry);
        waiting.hurry |= hurry;
        let closed = waiting.closed;
        drop(waiting);
        if closed {
            self.flush();
        } else if wake {
            self.filled.notify_one();
        }
    }

    /// Writes all lines there are. Who cannot write to stderr has nobody to tell.
    pub fn flush(&self) {
        let mut output = self.output.lock().expect(NEVER_POISONED);
        let Output { to, written } = &mut *output;
        written.clear();
        {
            let mut waiting = lock(&self.waiting);
            std::mem::swap(&mut waiting.bytes, written);
            waiting.hurry = false;
        }
        self.emptied.notify_all();
        let _ = to.write_all(written).and_then(|()| to.flush());
    }

    /// The writer's thread.
    pub fn write_until_closed(&self) {
        loop {
            let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.closed;
            let waiting = self.filled.wait_while(lock(&self.waiting), nothing);
            let waiting = waiting.expect(NEVER_POISONED);
            let few = |waiting: &mut Waiting| !waiting.hurry && !waiting.closed;
            let waited = self.filled.wait_timeout_while(waiting, limits::LOG_DELAY_MAX, few);
            let closed = waited.expect(NEVER_POISONED).0.closed;
            self.flush();
            if closed {
                return;
            }
        }
    }

    /// Ends the writer's thread once all is written. Later lines are written at once.
    pub fn close(&self) {
        lock(&self.waiting).closed = true;
        self.filled.notify_one();
        self.emptied.notify_all();
    }
}

const NEVER_POISONED: &str = "nothing under the log's locks panics";

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().expect(NEVER_POISONED)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use super::*;

    /// Hands on each write, and fails once nobody takes them.
    struct Pipe(Sender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn piped() -> (Arc<Lines>, Receiver<Vec<u8>>) {
        let (to, from) = channel();
        (Arc::new(Lines::new(Pipe(to))), from)
    }

    fn writer(lines: &Arc<Lines>) -> thread::JoinHandle<()> {
        let lines = lines.clone();
        thread::spawn(move || lines.write_until_closed())
    }

    #[test]
    fn waiting_lines_are_one_write() {
        let (lines, written) = piped();
        lines.push(b"a\n", Urgency::Soon);
        lines.push(b"b\n", Urgency::Soon);
        let writer = writer(&lines);
        assert_eq!(written.recv().expect("written"), b"a\nb\n");
        lines.push(b"c\n", Urgency::Now);
        assert_eq!(written.recv().expect("written"), b"c\n");
        lines.push(b"d\n", Urgency::Soon);
        lines.close();
        writer.join().expect("it ends");
        lines.push(b"e\n", Urgency::Soon);
        drop(lines);
        assert_eq!(written.iter().flatten().collect::<Vec<u8>>(), b"d\ne\n");
    }

    #[test]
    fn no_line_of_many_threads_is_lost_and_each_keeps_its_order() {
        const EACH: usize = 20_000;
        let (lines, written) = piped();
        let writer = writer(&lines);
        let threads = ["a", "b", "c", "d"].map(|name| {
            let lines = lines.clone();
            thread::spawn(move || {
                for n in 0..EACH {
                    lines.push(format!("{name} {n} {:100}\n", "").as_bytes(), Urgency::Soon);
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        lines.close();
        writer.join().expect("it ends");
        drop(lines);
        let all = written.iter().flatten().collect::<Vec<u8>>();
        let all = String::from_utf8(all).expect("text");
        for name in ["a", "b", "c", "d"] {
            let seen = all.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let seen = seen.map(|line| line.trim_end().parse::<usize>().expect("a number"));
            assert!(seen.eq(0..EACH), "{name}");
        }
    }

    #[test]
    fn who_finds_no_room_waits_and_loses_nothing() {
        let (lines, written) = piped();
        let line = vec![b'x'; limits::LOG_BYTES_MAX];
        lines.push(&line, Urgency::Soon);
        let late = thread::spawn({
            let lines = lines.clone();
            move || lines.push(b"y\n", Urgency::Soon)
        });
        // Whether it waits already or comes later, the line that filled all goes first.
        lines.flush();
        late.join().expect("there was room");
        lines.flush();
        assert_eq!(written.recv().expect("written"), line);
        assert_eq!(written.recv().expect("written"), b"y\n");
    }

    #[test]
    fn a_reader_that_is_gone_stops_nobody() {
        let (lines, written) = piped();
        drop(written);
        let writer = writer(&lines);
        for _ in 0..3 * limits::LOG_BYTES_MAX / 1000 {
            lines.push(&[b'x'; 1000], Urgency::Soon);
        }
        lines.close();
        writer.join().expect("it ends");
    }
}
