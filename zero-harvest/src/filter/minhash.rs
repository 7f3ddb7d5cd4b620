//! `MinHash` over the tokens of C: functions that differ in little are found without comparing all with all.

/// Numbers of a signature.
const NUMBERS: usize = 64;
/// Parts of a signature; functions that share one are compared.
pub(crate) const BANDS: usize = 16;
/// Tokens in a row.
const SHINGLE: usize = 5;
/// Functions with fewer shingles are too short to be told apart.
const FEWEST: usize = 12;

/// What stands for a function's C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature([u16; NUMBERS]);

impl Signature {
    /// The signature of a definition; `None` if it is too short to have one.
    pub(crate) fn of(source: &str) -> Option<Self> {
        let tokens = tokens(source);
        if tokens.len() < SHINGLE + FEWEST - 1 {
            return None;
        }
        let mut least = [u64::MAX; NUMBERS];
        for shingle in tokens.windows(SHINGLE) {
            let mut hasher = blake3::Hasher::new();
            for token in shingle {
                hasher.update(token.as_bytes());
                hasher.update(b"\0");
            }
            let mut bytes = [0; 8];
            hasher.finalize_xof().fill(&mut bytes);
            let base = u64::from_le_bytes(bytes);
            for (number, least) in (1_u64..).zip(&mut least) {
                *least = (*least).min(mix(base ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            }
        }
        // Sixteen bits of each are enough to see how many agree: one in 65 536 does by chance.
        Some(Self(least.map(|least| {
            u16::try_from(mix(least) & 0xffff).unwrap_or(0)
        })))
    }

    /// What functions share that are to be compared in this part. Half of its bits are enough: a few more are compared.
    pub(crate) fn band(&self, band: usize) -> u32 {
        let rows = NUMBERS / BANDS;
        let part = self.0.iter().skip(band * rows).take(rows);
        let all = part.fold(0, |all, number| all << 16 | u64::from(*number));
        u32::try_from(mix(all) >> 32).unwrap_or(0)
    }

    /// About which part of their shingles two functions share.
    pub(crate) fn similarity(&self, other: &Self) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        let same = pairs.filter(|(a, b)| a == b).count();
        let of = |count: usize| f64::from(u32::try_from(count).unwrap_or(0));
        of(same) / of(NUMBERS)
    }
}

/// A number that depends on every bit of another (the finaliser of splitmix64).
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Names, numbers and marks, without comments and blanks.
fn tokens(source: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first.is_alphanumeric() || first == '_' {
            let word = |mark: char| mark.is_alphanumeric() || mark == '_';
            rest.find(|mark| !word(mark)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if !token.starts_with("/*") && !token.starts_with("//") {
            tokens.push(token);
        }
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "int sum(const int *numbers, int count) {\n int all = 0; /* so far */\n for (int i = 0; i < count; i++) all += numbers[i];\n return all;\n}";

    #[test]
    fn comments_and_blanks_make_no_difference_and_a_changed_line_a_small_one() {
        let signature = Signature::of(SUM).unwrap();
        let spaced = SUM
            .replace("/* so far */", "// until here")
            .replace(' ', "  ");
        assert_eq!(Signature::of(&spaced), Some(signature.clone()));
        let checked = SUM.replace("return all;", "if (all < 0) all = 0; return all;");
        let similar = signature.similarity(&Signature::of(&checked).unwrap());
        assert!((0.5..0.98).contains(&similar), "{similar}");
        let other = "void copy(char *to, const char *from, unsigned n) { while (n--) { *to++ = *from++; } if (to) to[0] = 'x'; }";
        assert!(signature.similarity(&Signature::of(other).unwrap()) < 0.1);
    }

    #[test]
    fn what_is_too_short_is_like_nothing() {
        assert_eq!(Signature::of("int f(void) { return 1; }"), None);
    }
}
