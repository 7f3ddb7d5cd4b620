//! Numbers that depend on the seed alone.

/// A stream of random numbers.
pub(super) struct Random(blake3::OutputReader);

impl Random {
    /// That of one input of a function.
    pub(super) fn new(seed: &str, number: usize) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("zero-harvest inputs 1");
        hasher.update(seed.as_bytes());
        hasher.update(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
        Self(hasher.finalize_xof())
    }

    pub(super) fn bits(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    pub(super) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.bits() % u64::from(end.max(1))).unwrap_or(0)
    }

    pub(super) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(u32::try_from(from.len()).unwrap_or(1))).unwrap_or(0)]
    }

    /// An integer of a width: its boundaries, small ones, any. What is narrower than 64 bits is extended.
    pub(super) fn integer(&mut self, bits: u64, signed: bool) -> u64 {
        let mask = u64::MAX >> (64 - bits.clamp(1, 64));
        let value = match self.below(8) {
            0 => self.choose(&[0, 1, mask, mask >> 1, (mask >> 1) + 1, 0x7f, 0x80, 0xff]),
            1 => self.bits(),
            2 if signed => u64::from(self.below(64)).wrapping_neg(),
            3 | 4 => u64::from(self.below(1000)),
            _ => u64::from(self.below(17)),
        } & mask;
        // What is narrower than its parameter is extended, as C promises its callee.
        if signed && value > mask >> 1 {
            value | !mask
        } else {
            value
        }
    }

    pub(super) fn float(&mut self) -> f64 {
        let small = f64::from(self.below(2001)) - 1000.0;
        match self.below(6) {
            0 => self.choose(&[0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e10, -1e-10, 3.25]),
            1 => small * 1000.0,
            2 => small / 1024.0,
            3 => small / 8.0,
            _ => f64::from(self.below(100)),
        }
    }

    /// A character that can be printed.
    pub(super) fn letter(&mut self) -> u8 {
        b' ' + u8::try_from(self.below(95)).unwrap_or(0)
    }

    /// So many characters of one kind: digits, words, or anything that can be printed.
    pub(super) fn text(&mut self, length: u32) -> Vec<u8> {
        let alphabet: &[u8] = self.choose(&[
            &b"0123456789"[..],
            b"0123456789abcdef",
            b"abc xyz",
            b"-+.,0123456789eE",
            b"aAbB/:.?=%20&_\t\n\"\\'",
            b"{}[]<>():,;\"a1 ",
        ]);
        (0..length).map(|_| self.choose(alphabet)).collect()
    }
}
