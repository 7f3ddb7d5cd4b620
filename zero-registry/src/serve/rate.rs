//! How often one address may ask for something that costs the server more than a file.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Addresses that are remembered at once.
const MAX_ADDRESSES: usize = 64 * 1024;

/// A bucket of tokens for each address.
#[derive(Debug)]
pub(super) struct Rates {
    per_minute: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Rates {
    /// This many requests a minute, of which as many may come at once.
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            buckets: Mutex::default(),
        }
    }

    /// Whether the address may go on; otherwise after how long.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let full = f64::from(self.per_minute);
        let per_second = full / 60.0;
        let filled = |bucket: Bucket| {
            let since = now.saturating_duration_since(bucket.filled).as_secs_f64();
            (bucket.tokens + since * per_second).min(full)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            // A full bucket says no more than none.
            buckets.retain(|_, bucket| filled(*bucket) < full);
        }
        if buckets.len() >= MAX_ADDRESSES {
            return Err(Duration::from_secs(1));
        }
        let address = network(address);
        let tokens = buckets.get(&address).map_or(full, |bucket| filled(*bucket));
        let (left, answer) = if tokens >= 1.0 {
            (tokens - 1.0, Ok(()))
        } else {
            let wait = (1.0 - tokens) / per_second.max(1e-9);
            (tokens, Err(Duration::from_secs_f64(wait.min(3600.0))))
        };
        let bucket = Bucket {
            tokens: left,
            filled: now,
        };
        buckets.insert(address, bucket);
        answer
    }
}

/// One customer has a whole network of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_a_steady_rate() {
        let rates = Rates::new(60);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let start = Instant::now();
        for _ in 0..60 {
            rates.take(address, start).unwrap();
        }
        let wait = rates.take(address, start).unwrap_err();
        assert!(wait > Duration::from_millis(900) && wait < Duration::from_millis(1100));
        rates.take(address, start + Duration::from_secs(1)).unwrap();
        assert!(rates.take(address, start + Duration::from_secs(1)).is_err());
        // Others are not affected.
        rates.take("192.0.2.2".parse().unwrap(), start).unwrap();
    }

    #[test]
    fn a_network_of_addresses_counts_as_one() {
        let rates = Rates::new(1);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        rates.take(address("2001:db8::1"), now).unwrap();
        assert!(rates.take(address("2001:db8::2"), now).is_err());
        rates.take(address("2001:db8:0:1::2"), now).unwrap();
        rates.take(address("::ffff:192.0.2.1"), now).unwrap();
        assert!(rates.take(address("192.0.2.1"), now).is_err());
    }
}
