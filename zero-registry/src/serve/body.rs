//! A body in parts of a fixed size, so that a large package file is never in memory as a whole.

use std::{
    convert::Infallible,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::{StreamExt as _, stream::BoxStream};
use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::objects::Objects;

const PART: usize = 64 * 1024;

/// What an answer says.
pub(super) enum Content {
    /// Bytes in memory.
    Bytes(Bytes),
    /// The rest of a file.
    File { file: File, length: u64 },
    /// A part of a file in a bucket.
    Object(Object),
}

/// A part of a file in a bucket, which is asked for when somebody wants its first piece.
pub(super) struct Object {
    objects: Arc<Objects>,
    path: String,
    /// What is still to come.
    range: Range<u64>,
    pieces: Option<BoxStream<'static, io::Result<Bytes>>>,
}

impl Content {
    pub(super) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(super) fn file(file: File, length: u64) -> Self {
        Self::File { file, length }
    }

    pub(super) fn object(objects: Arc<Objects>, path: &str, length: u64) -> Self {
        Self::Object(Object {
            objects,
            path: path.to_owned(),
            range: 0..length,
            pieces: None,
        })
    }

    pub(super) fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File { length, .. } => *length,
            Self::Object(object) => object.length(),
        }
    }

    /// A part of this content; the range lies within it.
    pub(super) fn slice(self, range: Range<u64>) -> io::Result<Self> {
        match self {
            Self::Bytes(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Ok(Self::Bytes(
                    bytes.slice(place(range.start)..place(range.end)),
                ))
            }
            Self::File { mut file, .. } => {
                file.seek(SeekFrom::Start(range.start))?;
                Ok(Self::File {
                    file,
                    length: range.end - range.start,
                })
            }
            Self::Object(object) => {
                let start = object.range.start;
                Ok(Self::Object(Object {
                    range: start + range.start..start + range.end,
                    ..object
                }))
            }
        }
    }
}

impl Object {
    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// The next piece; one that is missing breaks the answer off, and no more than declared is sent.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.range.is_empty() {
            return Poll::Ready(None);
        }
        let pieces = self
            .pieces
            .get_or_insert_with(|| self.objects.stream(&self.path, self.range.clone()));
        let Some(piece) = ready!(pieces.poll_next_unpin(context)) else {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        };
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        Poll::Ready(Some(piece.map(|mut piece| {
            piece.truncate(left);
            self.range.start += u64::try_from(piece.len()).unwrap_or(0);
            piece
        })))
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::File { length: 0, .. } => Poll::Ready(None),
            // A local read of one part takes microseconds: no thread is worth a detour.
            Self::File { file, length } => Poll::Ready(Some(part(file, length).map(Frame::data))),
            Self::Object(object) => {
                let piece = ready!(object.poll_piece(context));
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

fn part(file: &mut File, length: &mut u64) -> io::Result<Bytes> {
    let wanted = usize::try_from(*length).unwrap_or(PART).min(PART);
    let mut part = vec![0; wanted];
    let read = file.read(&mut part)?;
    if read == 0 {
        // The declared length is out already: breaking off is the only honest end.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    part.truncate(read);
    *length -= u64::try_from(read).unwrap_or(*length);
    Ok(part.into())
}

/// A service never fails as such: failures are answers.
pub(super) type Never = Infallible;
