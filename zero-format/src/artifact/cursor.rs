//! Reading bytes that nobody vouches for: every step is checked, nothing is allocated.

/// Why a step failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end too early.
    End,
    /// An integer is wider than 32 bits, or not in its shortest form where it must be.
    Integer,
}

/// A place in a byte string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// A cursor at `start` that ends at `end` and counts offsets like this one.
    pub(super) fn within(&self, start: usize, end: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(..end)?,
            at: start,
        })
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(count).ok_or(Fault::End)?;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::End)?;
        self.at = end;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::End)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// An unsigned LEB128 integer of at most 32 bits, and whether it is in its shortest form. WebAssembly allows
    /// padding up to five bytes, so a program's own sections may have it.
    pub(super) fn integer(&mut self) -> Result<(usize, bool), Fault> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let low = u32::from(byte & 0x7f);
            if shift == 28 && low > 0x0f {
                return Err(Fault::Integer);
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                let shortest = shift == 0 || byte != 0;
                return usize::try_from(value)
                    .map(|value| (value, shortest))
                    .map_err(|_| Fault::Integer);
            }
        }
        Err(Fault::Integer)
    }

    /// An integer that must be in its shortest form.
    pub(super) fn short_integer(&mut self) -> Result<usize, Fault> {
        match self.integer()? {
            (value, true) => Ok(value),
            (_, false) => Err(Fault::Integer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(bytes: &[u8]) -> Result<(usize, bool), Fault> {
        Cursor::new(bytes, 0).integer()
    }

    #[test]
    fn reads_integers_of_32_bits() {
        assert_eq!(integer(&[0]), Ok((0, true)));
        assert_eq!(integer(&[0x7f]), Ok((127, true)));
        assert_eq!(integer(&[0x80, 1]), Ok((128, true)));
        assert_eq!(
            integer(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
            Ok((0xffff_ffff, true))
        );
        assert_eq!(integer(&[0x81, 0]), Ok((1, false)));
        assert_eq!(integer(&[0x80, 0x80, 0x80, 0x80, 0]), Ok((0, false)));
    }

    #[test]
    fn refuses_wider_and_unfinished_integers() {
        assert_eq!(
            integer(&[0xff, 0xff, 0xff, 0xff, 0x1f]),
            Err(Fault::Integer)
        );
        assert_eq!(
            integer(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]),
            Err(Fault::Integer)
        );
        assert_eq!(integer(&[0x80]), Err(Fault::End));
        assert_eq!(
            Cursor::new(&[0x81, 0], 0).short_integer(),
            Err(Fault::Integer)
        );
    }

    #[test]
    fn never_reads_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2], 0);
        assert_eq!(cursor.take(usize::MAX), Err(Fault::End));
        assert_eq!(cursor.take(3), Err(Fault::End));
        assert_eq!(cursor.take(2), Ok(&[1, 2][..]));
        assert!(cursor.is_at_end() && cursor.byte() == Err(Fault::End));
    }
}
