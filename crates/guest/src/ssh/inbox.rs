//! What a client sent and no process has taken yet.
//!
//! The SSH library lets a client send on as soon as a packet arrived, whoever has read it. If its
//! loop were made to wait for a process, that process's own output would wait too, and `cat`
//! would stop for ever. So what arrives is taken at once, and a connection whose processes do
//! not keep up is read from ever more slowly instead: slowly, not never, because behind the
//! bytes that nobody wants stand the ones that let output go on.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use russh::{ChannelMsg, ChannelReadHalf};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep};

/// A connection is read from at full speed while it waits for no more than this.
const BACKLOG_BYTES: usize = 8 << 20;
/// Every so much more halves the speed.
const BACKLOG_STEP_BYTES: usize = 4 << 20;
/// What is read between two pauses.
const TRICKLE_BYTES: usize = 64 << 10;
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LAST: Duration = Duration::from_secs(60);
/// What a packet costs beside its bytes, so that tiny ones count too.
const PACKET_BYTES: usize = 128;

/// What all channels of a connection wait for together.
#[derive(Default)]
pub(super) struct Backlog {
    bytes: AtomicUsize,
    drained: AtomicWaker,
}

impl Backlog {
    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn remove(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before > BACKLOG_BYTES && before - bytes <= BACKLOG_BYTES {
            self.drained.wake();
        }
    }

    /// `None` at full speed.
    fn pause(&self) -> Option<Duration> {
        let over = self.bytes.load(Ordering::Relaxed).checked_sub(BACKLOG_BYTES + 1)?;
        let steps = u32::try_from(over / BACKLOG_STEP_BYTES).unwrap_or(u32::MAX).min(16);
        Some((PAUSE_FIRST * 2u32.pow(steps)).min(PAUSE_LAST))
    }
}

/// What one channel's client has sent.
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
    closed: Notify,
    backlog: Arc<Backlog>,
    filler: OnceLock<AbortHandle>,
}

#[derive(Default)]
struct State {
    packets: VecDeque<Bytes>,
    ended: bool,
    closed: bool,
    /// Nobody will read any more.
    abandoned: bool,
}

impl Inbox {
    /// Takes whatever arrives at a channel until it is closed.
    pub(super) fn open(mut channel: ChannelReadHalf, backlog: Arc<Backlog>) -> Arc<Self> {
        let inbox = Arc::new(Self {
            state: Mutex::default(),
            changed: Notify::new(),
            closed: Notify::new(),
            backlog,
            filler: OnceLock::new(),
        });
        let filled = inbox.clone();
        let task = tokio::spawn(async move {
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Data { data }) => filled.push(data),
                    Some(ChannelMsg::Eof) => filled.change(|state| state.ended = true),
                    Some(ChannelMsg::Close) | None => break,
                    // Requests reach the handler too.
                    Some(_) => {}
                }
            }
            filled.change(|state| (state.ended, state.closed) = (true, true));
            filled.closed.notify_one();
        });
        inbox.filler.set(task.abort_handle()).expect("set once");
        inbox
    }

    /// Takes nothing more. The library does not tell of the end of a channel that we closed.
    pub(super) fn end(&self) {
        self.abandon();
        self.filler.get().inspect(|filler| filler.abort());
    }

    fn push(&self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        self.change(|state| {
            if !state.abandoned {
                self.backlog.add(data.len() + PACKET_BYTES);
                state.packets.push_back(data);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("nothing panics while it is held"));
        self.changed.notify_one();
    }

    /// The next bytes; `None` after the last. What was handed out no longer waits.
    async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.state.lock().expect("nothing panics while it is held");
                if let Some(data) = state.packets.pop_front() {
                    self.backlog.remove(data.len() + PACKET_BYTES);
                    return Some(data);
                }
                if state.ended {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Writes all that comes, to its end.
    pub(super) async fn write_to(&self, mut to: impl AsyncWrite + Unpin) {
        while let Some(data) = self.next().await {
            if to.write_all(&data).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
        drop(to);
        self.abandon();
    }

    /// What waits and what still comes is thrown away.
    fn abandon(&self) {
        self.change(|state| {
            state.abandoned = true;
            for data in state.packets.drain(..) {
                self.backlog.remove(data.len() + PACKET_BYTES);
            }
        });
    }

    /// Waits until the client has left this channel. For one waiter.
    pub(super) async fn closed(&self) {
        let closed = || self.state.lock().expect("nothing panics while it is held").closed;
        while !closed() {
            self.closed.notified().await;
        }
    }
}

/// A connection that is read from as fast as its processes take what comes.
pub(super) struct Paced<S> {
    stream: S,
    backlog: Arc<Backlog>,
    pause: Option<Pin<Box<Sleep>>>,
    left: usize,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, backlog: Arc<Backlog>) -> Self {
        Self { stream, backlog, pause: None, left: 0 }
    }

    /// Ready with how much may be read now.
    fn poll_allowed(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        // Before looking, so that no wake-up in between is lost.
        self.backlog.drained.register(context.waker());
        let Some(pause) = self.backlog.pause() else {
            (self.pause, self.left) = (None, 0);
            return Poll::Ready(usize::MAX);
        };
        if self.left == 0 {
            let waiting = self.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
            ready!(waiting.as_mut().poll(context));
            (self.pause, self.left) = (None, TRICKLE_BYTES);
        }
        Poll::Ready(self.left)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let allowed = ready!(self.poll_allowed(context));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        // A packet may end a little later than the allowance.
        if allowed != usize::MAX {
            self.left = allowed.saturating_sub(buffer.filled().len() - before);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_slows_the_reading() {
        let check = |waits: usize, expected: Option<u64>| {
            let backlog = Backlog::default();
            backlog.add(waits);
            assert_eq!(backlog.pause(), expected.map(Duration::from_millis), "{waits}");
        };
        check(0, None);
        check(8 << 20, None);
        check((8 << 20) + 1, Some(50));
        check(13 << 20, Some(100));
        check(17 << 20, Some(200));
        check(1 << 40, Some(60_000));
    }
}
