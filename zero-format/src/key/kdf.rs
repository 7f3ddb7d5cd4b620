//! The password cost of a secret key file: scrypt, with parameters derived from `opslimit` and `memlimit` exactly as
//! libsodium's `crypto_pwhash_scryptsalsa208sha256` derives them.

use scrypt::Params;
use zeroize::Zeroizing;

use super::KeyError;

/// scrypt's block size, fixed by libsodium.
const R: u32 = 8;
/// Bytes of one scrypt block of `R`.
const BLOCK: u64 = 128 * 8;
/// Most memory a key file may ask for: minisign's own default is 1 GiB of table plus a few blocks.
const MAX_BYTES: u64 = (1 << 30) + (1 << 20);
/// Most work (N times p) a key file may ask for: four times minisign's default.
const MAX_WORK: u64 = 1 << 22;

/// A password cost, in the two numbers that a minisign key file stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) opslimit: u64,
    pub(super) memlimit: u64,
}

impl Cost {
    /// What Zero writes: N = 2^17, r = 8, p = 1: 128 MiB and about a third of a second.
    pub(super) const STANDARD: Self = Self {
        opslimit: 1 << 22,
        memlimit: 1 << 27,
    };

    /// The least that libsodium can express, for tests.
    #[cfg(test)]
    pub(super) const LEAST: Self = Self {
        opslimit: 1 << 15,
        memlimit: 1 << 20,
    };

    /// `(log2 N, p)` as libsodium's `pickparams` chooses them, or `None` for limits that it cannot serve.
    pub(super) fn pick(self) -> Option<(u8, u32)> {
        let opslimit = self.opslimit.max(32_768);
        let r = u64::from(R);
        if opslimit < self.memlimit / 32 {
            return Some((log2_n(opslimit / (r * 4)), 1));
        }
        let log2_n = log2_n(self.memlimit / BLOCK);
        let max_rp = ((opslimit / 4) >> log2_n).min(0x3fff_ffff);
        let p = u32::try_from(max_rp / r).ok()?;
        (p > 0).then_some((log2_n, p))
    }

    /// Fills `output` from the password.
    ///
    /// # Errors
    /// [`KeyError::TooCostly`] before anything is allocated when the cost is over the cap.
    pub(super) fn derive(
        self,
        password: &str,
        salt: &[u8; 32],
    ) -> Result<Zeroizing<[u8; 104]>, KeyError> {
        let too_costly = |mebibytes, work| KeyError::TooCostly { mebibytes, work };
        let (log2_n, p) = self
            .pick()
            .ok_or(too_costly(self.memlimit >> 20, self.opslimit))?;
        let n = 1_u64.checked_shl(u32::from(log2_n)).unwrap_or(u64::MAX);
        let bytes = n
            .saturating_add(u64::from(p))
            .saturating_add(1)
            .saturating_mul(BLOCK);
        let work = n.saturating_mul(u64::from(p));
        if bytes > MAX_BYTES || work > MAX_WORK {
            return Err(too_costly(bytes >> 20, work));
        }
        let params = Params::new(log2_n, R, p).map_err(|_| too_costly(bytes >> 20, work))?;
        let mut output = Zeroizing::new([0; 104]);
        scrypt::scrypt(password.as_bytes(), salt, &params, output.as_mut_slice())
            .map_err(|_| too_costly(bytes >> 20, work))?;
        Ok(output)
    }
}

/// The smallest `k >= 1` with `2^k > max_n / 2`, at most 63.
fn log2_n(max_n: u64) -> u8 {
    (1..63).find(|k| (1_u64 << k) > max_n / 2).unwrap_or(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_what_libsodium_picks() {
        let pick = |opslimit, memlimit| Cost { opslimit, memlimit }.pick();
        // OPSLIMIT_SENSITIVE with MEMLIMIT_SENSITIVE, minisign's default.
        assert_eq!(pick(33_554_432, 1_073_741_824), Some((20, 1)));
        // OPSLIMIT_INTERACTIVE with MEMLIMIT_INTERACTIVE.
        assert_eq!(pick(524_288, 16_777_216), Some((14, 1)));
        // rsign's choice.
        assert_eq!(pick(1_048_576, 33_554_432), Some((15, 1)));
        // Below the floor of 32768 operations.
        assert_eq!(pick(0, 1 << 30), Some((10, 1)));
        // More operations than memory: p grows.
        assert_eq!(pick(1 << 22, 1 << 20), Some((10, 128)));
        // Nothing to work with.
        assert_eq!(pick(u64::MAX, 0), Some((1, 134_217_727)));
        assert_eq!(pick(u64::MAX, u64::MAX), Some((53, 63)));
        assert_eq!(Cost::STANDARD.pick(), Some((17, 1)));
    }

    #[test]
    fn refuses_hostile_costs_at_once() {
        for (opslimit, memlimit) in [
            (u64::MAX, u64::MAX),
            (u64::MAX, 0),
            (1 << 40, 1 << 31),
            (1 << 26, 1 << 31),
            (1 << 62, 1 << 20),
        ] {
            let result = Cost { opslimit, memlimit }.derive("x", &[0; 32]);
            assert!(
                matches!(result, Err(KeyError::TooCostly { .. })),
                "{opslimit} {memlimit}"
            );
        }
    }
}
