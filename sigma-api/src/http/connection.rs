//! How long a connection may keep the hub waiting.
//!
//! hyper's `header_read_timeout` starts when it begins to wait for a request, so it would also close the connections that
//! agents keep between their beats. Here the two are told apart: a connection may be idle for minutes once it has shown a
//! valid key, but a request head that has begun must be whole in seconds.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What is read and thrown away of a request that was refused, at most, before the connection is closed.
const LINGER_BYTES: usize = 1024 * 1024;

/// What is read at once. hyper doubles its buffer whenever a read fills it (8 KiB at first), so that a body that nobody has
/// asked for yet would cost 16 KiB.
const READ_BYTES: usize = 4 * 1024;

/// Deadlines of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// From the first byte of a request until its head is whole; also until a new connection says anything.
    pub(crate) head: Duration,
    /// Between an answer that was a success to a valid key and the next request.
    pub(crate) idle: Duration,
    /// For a client that does not take its answer.
    pub(crate) write: Duration,
    /// For a client that still sends what was refused, or a request when the hub stops; without this it would see a reset instead of the answer.
    pub(crate) linger: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            // Agents keep theirs for up to 90 s between beats.
            idle: Duration::from_secs(150),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(1),
        }
    }
}

const WAITING: u8 = 0;
const BUSY: u8 = 1;
const KNOWN: u8 = 2;
const OPEN: u8 = 3;
const REFUSED: u8 = 4;

/// What a request came to, as far as its connection is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A success for somebody with a valid key: the connection is worth keeping.
    Known,
    /// A success that anybody can have.
    Open,
    /// Anything else, perhaps before the request was read.
    Refused,
}

/// Stands in the extensions of an answer that goes on until one of the two closes it: the last on its connection, and no
/// deadline is kept for it but that for taking what is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endless;

/// Where a connection stands, as the service tells it to the stream below.
#[derive(Debug, Clone, Default)]
pub(super) struct Phase(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    at: AtomicU8,
    closing: AtomicBool,
}

impl Phase {
    /// The head of a request is whole, and it is being answered.
    pub(super) fn begin(&self) {
        self.0.at.store(BUSY, Ordering::Relaxed);
    }

    /// The answer is ready to be written.
    pub(super) fn end(&self, outcome: Outcome) {
        let phase = match outcome {
            Outcome::Known => KNOWN,
            Outcome::Open => OPEN,
            Outcome::Refused => REFUSED,
        };
        self.0.at.store(phase, Ordering::Relaxed);
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.get() == BUSY
    }

    /// From now on a connection ends where it would wait for a request: what the client sent before is still read.
    pub(super) fn close_when_idle(&self) {
        self.0.closing.store(true, Ordering::Relaxed);
    }

    fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::Relaxed)
    }

    fn get(&self) -> u8 {
        self.0.at.load(Ordering::Relaxed)
    }

    fn wait(&self) {
        self.0.at.store(WAITING, Ordering::Relaxed);
    }
}

/// A stream that ends when it is kept waiting for too long.
#[derive(Debug)]
pub(super) struct PatientStream<S> {
    inner: S,
    phase: Phase,
    patience: Patience,
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
    /// Whether the last request was refused, perhaps before it was read.
    refused: bool,
    /// Whether the first byte of the next request has come.
    head_begun: bool,
    /// Whether nothing at all has come since the connection began to wait for a request.
    silent: bool,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> PatientStream<S> {
    /// Wraps a new connection.
    pub(super) fn new(inner: S, phase: Phase, patience: Patience) -> Self {
        let reading = Box::pin(sleep(patience.head));
        // A new connection has as long as a head to say its first request whole.
        Self {
            inner,
            phase,
            patience,
            reading,
            writing: None,
            refused: false,
            head_begun: true,
            silent: true,
            lingering: None,
        }
    }

    /// Sets the deadline for what the connection waits for now; `None` while the hub itself is at work.
    fn arm(&mut self) -> Option<()> {
        match self.phase.get() {
            BUSY => return None,
            KNOWN => self.wait_for_request(self.patience.idle, false),
            OPEN => self.wait_for_request(self.patience.head, false),
            REFUSED => self.wait_for_request(self.patience.head, true),
            _ => {}
        }
        Some(())
    }

    fn wait_for_request(&mut self, within: Duration, refused: bool) {
        self.phase.wait();
        self.refused = refused;
        self.head_begun = false;
        self.silent = true;
        self.reading.as_mut().reset(Instant::now() + within);
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client kept the connection waiting")
}

/// Reads at most `READ_BYTES`; whether there were any.
fn read_some<S: AsyncRead + Unpin>(
    inner: &mut S,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<bool>> {
    let mut piece = [0_u8; READ_BYTES];
    let room = piece.get_mut(..buf.remaining().min(READ_BYTES)).unwrap_or_default();
    let mut piece = ReadBuf::new(room);
    ready!(Pin::new(inner).poll_read(cx, &mut piece))?;
    buf.put_slice(piece.filled());
    Poll::Ready(Ok(!piece.filled().is_empty()))
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let waits = this.arm();
        match read_some(&mut this.inner, cx, buf) {
            Poll::Ready(result) => {
                let got_some = result?;
                this.silent &= !got_some;
                if waits.is_some() && got_some && !this.head_begun {
                    this.head_begun = true;
                    this.reading.as_mut().reset(Instant::now() + this.patience.head);
                }
                Poll::Ready(Ok(()))
            }
            // As if the client had closed.
            Poll::Pending if waits.is_some() && this.silent && this.phase.is_closing() => Poll::Ready(Ok(())),
            Poll::Pending if waits.is_some() => {
                ready!(this.reading.as_mut().poll(cx));
                Poll::Ready(Err(too_slow()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> PatientStream<S> {
    /// Gives up when writing makes no progress for too long.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.writing = None;
            return progress;
        }
        let within = self.patience.write;
        ready!(self.writing.get_or_insert_with(|| Box::pin(sleep(within))).as_mut().poll(cx));
        Poll::Ready(Err(too_slow()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.bounded(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.bounded(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        // hyper may have read before the answer, found nothing, and read again only when it is woken: wake it in time.
        if progress.is_ready() && self.arm().is_some() {
            let _ = self.reading.as_mut().poll(cx);
        }
        self.bounded(cx, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            if !this.refused && this.phase.get() != REFUSED && !this.phase.is_closing() {
                return Poll::Ready(Ok(()));
            }
        }
        let within = this.patience.linger;
        let (until, left) = this.lingering.get_or_insert_with(|| (Box::pin(sleep(within)), LINGER_BYTES));
        let mut scratch = [0_u8; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            if until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut this.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() && *left > 0 => {
                    *left = left.saturating_sub(buf.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests;
