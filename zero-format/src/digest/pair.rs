//! Two digests of nearly the same bytes in one pass: a whole file, and what follows its first bytes.
//!
//! A block of SHA-256 is one long chain of dependent instructions, and a processor with instructions for it spends half
//! of the time waiting for the one before. Two chains that take turns fill each other's gaps, so both digests together
//! cost about 1.4 times as much as one, and every byte comes from memory once. The compression function is `sha2`'s;
//! only the order of the blocks and the padding are here.

use std::slice;

use sha2::block_api::compress256;

use super::Digest;

const BLOCK: usize = 64;
/// Bytes of the message's length, which ends the last block.
const LENGTH: usize = 8;

/// The digests of a byte string and of its tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digests {
    /// Of all bytes.
    pub(crate) whole: Digest,
    /// Of the bytes from the given place on.
    pub(crate) tail: Digest,
}

impl Digests {
    /// Hashes `bytes`, and `bytes[from..]` on the way.
    pub(crate) fn of(bytes: &[u8], from: usize) -> Self {
        let tail = bytes.get(from..).unwrap_or_default();
        let (whole_blocks, whole_rest) = bytes.as_chunks::<BLOCK>();
        let (tail_blocks, tail_rest) = tail.as_chunks::<BLOCK>();
        let (mut of_whole, mut of_tail) = (State::new(), State::new());
        let mut ahead = whole_blocks.iter();
        for behind in tail_blocks {
            // There are never fewer blocks in the whole than in its tail.
            if let Some(block) = ahead.next() {
                of_whole.take(block);
            }
            of_tail.take(behind);
        }
        for block in ahead {
            of_whole.take(block);
        }
        Self {
            whole: of_whole.finish(whole_rest, bytes.len()),
            tail: of_tail.finish(tail_rest, tail.len()),
        }
    }
}

/// One chain (FIPS 180-4, section 6.2).
struct State([u32; 8]);

impl State {
    /// The initial hash value of FIPS 180-4, section 5.3.3.
    fn new() -> Self {
        Self([
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ])
    }

    #[inline]
    fn take(&mut self, block: &[u8; BLOCK]) {
        compress256(&mut self.0, slice::from_ref(block));
    }

    /// Takes what is left after the last whole block, and the padding for `length` bytes in all.
    fn finish(mut self, rest: &[u8], length: usize) -> Digest {
        let bits = u64::try_from(length).unwrap_or(u64::MAX).wrapping_mul(8);
        let mut padded = rest.to_vec();
        padded.push(0x80);
        let blocks = padded.len().saturating_add(LENGTH).div_ceil(BLOCK);
        padded.resize(blocks.saturating_mul(BLOCK).saturating_sub(LENGTH), 0);
        padded.extend_from_slice(&bits.to_be_bytes());
        for block in padded.as_chunks::<BLOCK>().0 {
            self.take(block);
        }
        let mut digest = [0; 32];
        for (to, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.0) {
            *to = word.to_be_bytes();
        }
        Digest::from_bytes(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_hashing_twice_at_every_length_and_start() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(4 * BLOCK + 3).collect();
        for length in 0..=bytes.len() {
            let bytes = &bytes[..length];
            for from in 0..=length {
                let expected = Digests {
                    whole: Digest::of(bytes),
                    tail: Digest::of(&bytes[from..]),
                };
                assert_eq!(Digests::of(bytes, from), expected, "{from} of {length}");
            }
        }
    }

    #[test]
    fn nothing_follows_a_start_beyond_the_end() {
        assert_eq!(Digests::of(b"abc", 4).tail, Digest::of(b""));
    }
}
