//! `--deterministic`: two runs of a program with the same input give the same bytes (spec/capabilities.md,
//! "Deterministic runs").
//!
//! What a program can observe of chance and time is made from a seed. What it reads from outside, files, input and
//! network, is not: that is its input.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand_core::TryRng;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::policy::Grants;

/// Where the wall clock starts: 2000-01-01T00:00:00Z, in seconds since 1970.
pub const EPOCH: u64 = 946_684_800;
/// By how much each reading of a clock is later than the one before it, of either clock.
pub const TICK: Duration = Duration::from_millis(1);
/// The fuel of a deterministic run without a limit of its own: a limit of time alone would end it anywhere.
pub const DETERMINISTIC_FUEL: u64 = 1_000_000_000_000;

const NUMBERS: &str = "zero 2026 deterministic random";
const INSECURE: &str = "zero 2026 deterministic insecure random";

/// Gives a program clocks and random numbers that depend on the seed alone. It grants neither.
pub(crate) fn apply(builder: &mut WasiCtxBuilder, grants: &Grants, seed: u64) {
    let ticks = Ticks::default();
    if grants.wall_clock {
        builder.wall_clock(ticks.clone());
    }
    let mut insecure = Numbers::new(INSECURE, seed);
    let mut start = [0; 16];
    insecure.0.fill(&mut start);
    builder
        .monotonic_clock(ticks)
        .secure_random(Numbers::new(NUMBERS, seed))
        .insecure_random(insecure)
        .insecure_random_seed(u128::from_le_bytes(start));
}

/// Both clocks: they count how often they were read.
#[derive(Clone, Default)]
struct Ticks(Arc<AtomicU64>);

impl Ticks {
    fn next(&self) -> Duration {
        let read = self.0.fetch_add(1, Ordering::Relaxed);
        TICK.saturating_mul(u32::try_from(read).unwrap_or(u32::MAX))
    }
}

impl HostWallClock for Ticks {
    fn resolution(&self) -> Duration {
        TICK
    }

    fn now(&self) -> Duration {
        Duration::from_secs(EPOCH) + self.next()
    }
}

impl HostMonotonicClock for Ticks {
    fn resolution(&self) -> u64 {
        u64::try_from(TICK.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.next().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The endless output of BLAKE3 for a seed.
struct Numbers(blake3::OutputReader);

impl Numbers {
    fn new(purpose: &str, seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&seed.to_le_bytes());
        Self(hasher.finalize_xof())
    }
}

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(purpose: &str, seed: u64) -> [u8; 16] {
        let mut bytes = [0; 16];
        let Ok(()) = Numbers::new(purpose, seed).try_fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn numbers_depend_on_seed_and_purpose_alone() {
        assert_eq!(drawn(NUMBERS, 1), drawn(NUMBERS, 1));
        assert_ne!(drawn(NUMBERS, 1), drawn(NUMBERS, 2));
        assert_ne!(drawn(NUMBERS, 1), drawn(INSECURE, 1));
    }

    #[test]
    fn the_two_clocks_advance_together_with_each_reading() {
        let ticks = Ticks::default();
        assert_eq!(HostWallClock::now(&ticks), Duration::from_secs(EPOCH));
        assert_eq!(HostMonotonicClock::now(&ticks), 1_000_000);
        assert_eq!(
            HostWallClock::now(&ticks),
            Duration::from_secs(EPOCH) + 2 * TICK
        );
    }
}
