//! A body under limits: bytes as transferred, bytes as decompressed, time.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use flate2::bufread::GzDecoder;

use super::{TransportError, read_all};

/// What one body may cost.
pub(super) struct Limits {
    pub(super) max_bytes: u64,
    pub(super) idle: Duration,
    pub(super) overall: Duration,
    pub(super) started: Instant,
}

/// A reader that knows how much went through it.
pub(super) struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, count: 0 }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count = self
            .count
            .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Reads the whole body, decompressed. `declared` is the server's own word about its length.
pub(super) fn read(
    body: &mut impl Read,
    gzip: bool,
    declared: Option<u64>,
    limits: &Limits,
    url: String,
) -> Result<Vec<u8>, TransportError> {
    // Random bytes grow in gzip by a header and five bytes for each block: never by as much as this.
    let transferable = if gzip {
        limits.max_bytes + limits.max_bytes / 64 + 1024
    } else {
        limits.max_bytes
    };
    if declared.is_some_and(|declared| declared > transferable) {
        return Err(TransportError::TooLarge {
            place: url,
            limit: limits.max_bytes,
        });
    }
    let transferred = collect(body, transferable, limits, &url)?;
    if !gzip {
        return Ok(transferred);
    }
    decompress(&transferred, limits.max_bytes, url)
}

fn collect(
    body: &mut impl Read,
    max_bytes: u64,
    limits: &Limits,
    url: &str,
) -> Result<Vec<u8>, TransportError> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = read_all(body, &mut buffer).map_err(|error| broken(&error, limits, url))?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            return Ok(bytes);
        };
        bytes.extend_from_slice(part);
        if u64::try_from(bytes.len()).map_or(true, |len| len > max_bytes) {
            return Err(TransportError::TooLarge {
                place: url.to_owned(),
                limit: limits.max_bytes,
            });
        }
        if limits.started.elapsed() > limits.overall {
            return Err(TransportError::Timeout {
                url: url.to_owned(),
                limit: limits.overall,
            });
        }
    }
}

fn broken(error: &io::Error, limits: &Limits, url: &str) -> TransportError {
    let late = error.kind() == io::ErrorKind::TimedOut
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout);
    let url = url.to_owned();
    if late {
        TransportError::Timeout {
            url,
            limit: limits.idle,
        }
    } else {
        TransportError::Truncated { url }
    }
}

/// One gzip member and nothing after it, of at most `max_bytes` when unpacked.
fn decompress(packed: &[u8], max_bytes: u64, url: String) -> Result<Vec<u8>, TransportError> {
    let mut decoder = GzDecoder::new(packed);
    let mut bytes = Vec::new();
    let outcome = decoder
        .by_ref()
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes);
    if u64::try_from(bytes.len()).map_or(true, |len| len > max_bytes) {
        return Err(TransportError::TooLarge {
            place: url,
            limit: max_bytes,
        });
    }
    let reason = match outcome {
        Err(_) => "it is not gzip, or not all of it",
        Ok(_) if !decoder.get_ref().is_empty() => "something follows the end of the gzip data",
        Ok(_) => return Ok(bytes),
    };
    Err(TransportError::Encoding { url, reason })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn get(mut body: &[u8], gzip: bool, max_bytes: u64) -> Result<Vec<u8>, TransportError> {
        let limits = Limits {
            max_bytes,
            idle: Duration::from_secs(1),
            overall: Duration::from_mins(1),
            started: Instant::now(),
        };
        read(&mut body, gzip, None, &limits, "http://mirror/".to_owned())
    }

    #[test]
    fn a_plain_body_ends_at_its_limit() {
        assert_eq!(get(b"1234", false, 4).unwrap(), b"1234");
        let error = get(b"12345", false, 4).unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { limit: 4, .. }));
    }

    #[test]
    fn a_compressed_body_is_judged_unpacked() {
        let zeros = vec![0; 1 << 20];
        let packed = gzip(&zeros);
        assert_eq!(get(&packed, true, 1 << 20).unwrap(), zeros);
        let error = get(&packed, true, (1 << 20) - 1).unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { .. }));
    }

    #[test]
    fn incompressible_bytes_may_grow_a_little() {
        let noise: Vec<u8> = (0_u32..4096)
            .flat_map(|n| {
                zero_format::Digest::of(&n.to_be_bytes())
                    .as_bytes()
                    .to_vec()
            })
            .collect();
        let limit = u64::try_from(noise.len()).unwrap();
        assert_eq!(get(&gzip(&noise), true, limit).unwrap(), noise);
    }

    #[test]
    fn a_compressed_body_is_whole_and_alone() {
        let packed = gzip(b"registry");
        for cut in 0..packed.len() {
            assert!(get(&packed[..cut], true, 100).is_err(), "cut at {cut}");
        }
        let mut longer = packed;
        longer.push(0);
        let error = get(&longer, true, 100).unwrap_err();
        assert!(matches!(error, TransportError::Encoding { .. }));
    }
}
