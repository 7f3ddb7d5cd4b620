//! What a server needs of an object store besides: lengths, and files as they arrive.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use super::{Objects, persistently};

impl Objects {
    /// How long a file is; none when there is no such file.
    ///
    /// # Errors
    /// When the store does not say within this time.
    pub(crate) fn length(&self, path: &str, limit: Duration) -> io::Result<Option<u64>> {
        let place = self.place(path);
        let place = &place;
        let asked = persistently(|| async move { self.store.head(place).await });
        match self.runtime.within(limit, asked) {
            Some(Ok(meta)) => Ok(Some(meta.size)),
            Some(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Some(Err(error)) => Err(io::Error::other(error)),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// A part of a file as it arrives. The store is asked when the first piece is.
    pub(crate) fn stream(
        &self,
        path: &str,
        range: Range<u64>,
    ) -> BoxStream<'static, io::Result<Bytes>> {
        let (store, place) = (Arc::clone(&self.store), self.place(path));
        let answer = async move {
            let options = object_store::GetOptions {
                range: Some(range.into()),
                ..object_store::GetOptions::default()
            };
            let result = store.get_opts(&place, options).await?;
            Ok::<_, object_store::Error>(result.into_stream())
        };
        futures_util::stream::once(answer)
            .try_flatten()
            .map_err(io::Error::other)
            .boxed()
    }
}
