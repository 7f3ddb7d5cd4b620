//! Standard streams: given to every program, metered.

use std::fmt;
use std::io::{self, IsTerminal as StdIsTerminal, Read as _, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use crate::limits::LimitReached;

/// Bytes that one read moves at most.
const CHUNK: usize = 64 * 1024;

/// The standard streams of one run.
#[derive(Default)]
pub struct Io {
    /// Where the program reads.
    pub stdin: Input,
    /// Where it writes.
    pub stdout: Output,
    /// Where it complains.
    pub stderr: Output,
}

impl Io {
    /// The streams of this process.
    pub fn inherit() -> Self {
        Self {
            stdin: Input::Inherit,
            stdout: Output::Inherit,
            stderr: Output::Inherit,
        }
    }
}

/// What a program reads from.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Input {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing.
    #[default]
    Empty,
    /// The standard input of this process.
    Inherit,
}

/// What a program writes to.
#[derive(Default)]
#[non_exhaustive]
pub enum Output {
    /// Nowhere.
    #[default]
    Discard,
    /// The same stream of this process.
    Inherit,
    /// A writer.
    Writer(Box<dyn Write + Send>),
}

/// Collects output in memory. Clones share what they collect.
///
/// ```
/// use std::io::Write as _;
/// let (mut writer, reader) = { let one = zrun::Capture::default(); (one.clone(), one) };
/// writer.write_all(b"hello")?;
/// assert_eq!(reader.take(), b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    /// What was written so far; empties the collection.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This collection as the output of a run.
    pub fn output(&self) -> Output {
        Output::Writer(Box::new(self.clone()))
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The streams of a run, as WASI takes them.
pub(crate) struct Streams {
    stdin: Source,
    pub(crate) out: Sink,
    pub(crate) err: Sink,
}

impl Streams {
    pub(crate) fn new(io: Io, limit: u64) -> Self {
        let meter = Arc::new(OutputMeter {
            left: AtomicU64::new(limit),
            limit,
        });
        let sink = |output, which| Sink {
            target: Arc::new(Target::new(output, which)),
            meter: Arc::clone(&meter),
        };
        Self {
            stdin: Source::new(io.stdin),
            out: sink(io.stdout, Which::Stdout),
            err: sink(io.stderr, Which::Stderr),
        }
    }

    pub(crate) fn stdin(&self) -> Source {
        self.stdin.clone()
    }

    pub(crate) fn stdout(&self) -> Sink {
        self.out.clone()
    }

    pub(crate) fn stderr(&self) -> Sink {
        self.err.clone()
    }
}

/// Counts the bytes of both output streams together.
struct OutputMeter {
    left: AtomicU64,
    limit: u64,
}

#[derive(Clone, Copy)]
enum Which {
    Stderr,
    Stdout,
}

enum Target {
    Discard,
    Inherit(Which),
    Writer(Mutex<Box<dyn Write + Send>>),
}

impl Target {
    fn new(output: Output, which: Which) -> Self {
        match output {
            Output::Discard => Self::Discard,
            Output::Inherit => Self::Inherit(which),
            Output::Writer(writer) => Self::Writer(Mutex::new(writer)),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Discard => Ok(()),
            Self::Inherit(which) => write_inherited(*which, bytes),
            Self::Writer(writer) => writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(bytes),
        }
    }

    fn flush(&self) -> io::Result<()> {
        match self {
            // Inherited streams are written through at once.
            Self::Discard | Self::Inherit(_) => Ok(()),
            Self::Writer(writer) => writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .flush(),
        }
    }

    fn is_terminal(&self) -> bool {
        match self {
            Self::Inherit(Which::Stdout) => StdIsTerminal::is_terminal(&io::stdout()),
            Self::Inherit(Which::Stderr) => StdIsTerminal::is_terminal(&io::stderr()),
            Self::Discard | Self::Writer(_) => false,
        }
    }
}

/// Straight to the descriptor: the program buffers already, and nothing may be lost when a limit ends the process.
#[cfg(unix)]
fn write_inherited(which: Which, mut bytes: &[u8]) -> io::Result<()> {
    use std::os::fd::AsFd as _;
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let stream = match which {
        Which::Stdout => stdout.as_fd(),
        Which::Stderr => stderr.as_fd(),
    };
    while !bytes.is_empty() {
        match rustix::io::write(stream, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => wait_writable(stream)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn wait_writable(stream: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    let mut polled = [rustix::event::PollFd::new(
        &stream,
        rustix::event::PollFlags::OUT,
    )];
    match rustix::event::poll(&mut polled, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn write_inherited(which: Which, bytes: &[u8]) -> io::Result<()> {
    match which {
        Which::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        }
        Which::Stderr => io::stderr().write_all(bytes),
    }
}

/// An output stream of a run.
#[derive(Clone)]
pub(crate) struct Sink {
    target: Arc<Target>,
    meter: Arc<OutputMeter>,
}

/// Why a write failed.
pub(crate) enum WriteError {
    Io(io::Error),
    Limit(LimitReached),
}

impl Sink {
    /// Writes all of it, or as much as the limit leaves and then fails with the limit.
    pub(crate) fn write_metered(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let left = self.meter.left.load(Ordering::Relaxed);
        let allowed = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (head, rest) = bytes.split_at(allowed);
        self.meter
            .left
            .fetch_sub(head.len() as u64, Ordering::Relaxed);
        self.target.write(head).map_err(WriteError::Io)?;
        if rest.is_empty() {
            return Ok(());
        }
        Err(WriteError::Limit(LimitReached::Output {
            limit: self.meter.limit,
        }))
    }

    /// A line of the runtime itself, which the program's limit does not count.
    pub(crate) fn write_unmetered(&self, bytes: &[u8]) -> io::Result<()> {
        self.target.write(bytes)
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        self.target.is_terminal()
    }
}

impl StdoutStream for Sink {
    // Only preview 3 asks for this one, and preview 3 is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write_metered(&bytes).map_err(|error| match error {
            WriteError::Limit(limit) => StreamError::Trap(wasmtime::Error::new(limit)),
            WriteError::Io(error) => stream_error(error),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.target.flush().map_err(stream_error)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

fn stream_error(error: io::Error) -> StreamError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        StreamError::Closed
    } else {
        StreamError::LastOperationFailed(error.into())
    }
}

/// The input stream of a run.
#[derive(Clone)]
pub(crate) enum Source {
    Bytes(Arc<Mutex<Bytes>>),
    Inherit,
}

impl Source {
    fn new(input: Input) -> Self {
        match input {
            Input::Bytes(bytes) => Self::Bytes(Arc::new(Mutex::new(bytes.into()))),
            Input::Empty => Self::Bytes(Arc::default()),
            Input::Inherit => Self::Inherit,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl IsTerminal for Source {
    fn is_terminal(&self) -> bool {
        matches!(self, Self::Inherit) && StdIsTerminal::is_terminal(&io::stdin())
    }
}

impl StdinStream for Source {
    // Only preview 3 asks for this one, and preview 3 is not linked.
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Source {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self {
            Self::Bytes(bytes) => {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                if bytes.is_empty() {
                    return Err(StreamError::Closed);
                }
                let size = size.min(bytes.len());
                Ok(bytes.split_to(size))
            }
            Self::Inherit => {
                if !input_is_ready() {
                    return Ok(Bytes::new());
                }
                read_inherited(size)
            }
        }
    }

    /// A read that may block does so at once, on this thread: no runtime, no helper thread.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        match self {
            Self::Inherit if size > 0 => read_inherited(size),
            _ => self.read(size),
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Source {
    async fn ready(&mut self) {
        if matches!(self, Self::Bytes(_)) || input_is_ready() {
            return;
        }
        // Something else is waited for at the same time: only now is a helper worth its cost.
        wasmtime_wasi::runtime::spawn_blocking(wait_for_input).await;
    }
}

fn read_inherited(size: usize) -> StreamResult<Bytes> {
    let mut buffer = vec![0; size.min(CHUNK)];
    let read = loop {
        match io::stdin().read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other.map_err(stream_error)?,
        }
    };
    if read == 0 {
        return Err(StreamError::Closed);
    }
    buffer.truncate(read);
    Ok(buffer.into())
}

#[cfg(unix)]
fn poll_input(timeout: Option<&rustix::event::Timespec>) -> bool {
    let stdin = io::stdin();
    let mut polled = [rustix::event::PollFd::new(
        &stdin,
        rustix::event::PollFlags::IN,
    )];
    // An error shows when reading; end of input counts as ready.
    !matches!(
        rustix::event::poll(&mut polled, timeout),
        Ok(0) | Err(rustix::io::Errno::INTR)
    )
}

#[cfg(unix)]
fn input_is_ready() -> bool {
    poll_input(Some(&rustix::event::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    }))
}

#[cfg(unix)]
fn wait_for_input() {
    while !poll_input(None) {}
}

#[cfg(not(unix))]
fn input_is_ready() -> bool {
    true
}

#[cfg(not(unix))]
fn wait_for_input() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_stops_exactly_at_the_limit() {
        let capture = Capture::default();
        let io = Io {
            stdout: capture.output(),
            ..Io::default()
        };
        let streams = Streams::new(io, 5);
        assert!(streams.out.write_metered(b"abc").is_ok());
        assert!(streams.err.write_metered(b"d").is_ok());
        assert!(matches!(
            streams.out.write_metered(b"efg"),
            Err(WriteError::Limit(LimitReached::Output { limit: 5 }))
        ));
        assert_eq!(capture.take(), b"abce");
    }

    #[test]
    fn bytes_as_input_end_with_a_closed_stream() {
        let mut source = Source::new(Input::Bytes(b"abc".to_vec()));
        assert_eq!(source.read(2).unwrap(), "ab");
        assert_eq!(source.clone().read(2).unwrap(), "c");
        assert!(matches!(source.read(2), Err(StreamError::Closed)));
    }
}
