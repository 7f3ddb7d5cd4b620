//! Instants as whole seconds, written as RFC 3339 in UTC (spec/registry.md, "Conventions").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Seconds since 1970-01-01T00:00:00Z, up to the end of the year 9999.
///
/// ```
/// use zero_registry::Timestamp;
/// let time: Timestamp = "2026-11-22T20:30:00Z".parse()?;
/// assert_eq!(time.seconds(), 1_795_379_400);
/// assert_eq!(time.to_string(), "2026-11-22T20:30:00Z");
/// # Ok::<(), zero_registry::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// Why a text is not a timestamp.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("read a time: {0:?} is not of the form 2026-11-22T20:30:00Z")]
pub struct TimestampError(String);

const DAY: u64 = 24 * 3600;

impl Timestamp {
    /// The last instant that the text form can express, 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// The instant `seconds` after the epoch; later ones than [`Timestamp::MAX`] become it.
    pub const fn from_seconds(seconds: u64) -> Self {
        if seconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The instant `seconds` later, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self::from_seconds(self.0.saturating_add(seconds))
    }

    /// The instant `seconds` earlier, at least the epoch.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds from `earlier` to this instant; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Year, month and day of a number of days since the epoch (proleptic Gregorian calendar).
fn civil(days: u64) -> (u64, u64, u64) {
    // Years are counted from March of year 0, so that the leap day is the last of its year.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Days since the epoch of a date from 1970 on; the inverse of [`civil`].
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let era = year / 400;
    let year_of_era = year % 400;
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0 / DAY);
        let second = self.0 % DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let parsed = fields(text).map(|[year, month, day, hour, minute, second]| {
            Self(days(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
        });
        // Writing it back refuses what the calendar has not: 30 February, 24:00:00.
        parsed
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| TimestampError(text.chars().take(40).collect()))
    }
}

/// The six numbers of the text form, each within the range that [`days`] needs.
fn fields(text: &str) -> Option<[u64; 6]> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut fields = [0; 6];
    let parts = date.split('-').chain(time.split(':'));
    let mut count = 0;
    for (slot, part) in fields.iter_mut().zip(parts) {
        if part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
        count += 1;
    }
    let [year, month, day, ..] = fields;
    let known = (1970..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
    (count == 6 && known).then_some(fields)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_instants_have_their_texts() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_379_400, "2026-11-22T20:30:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_seconds(seconds)));
        }
    }

    #[test]
    fn only_one_text_names_an_instant() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22t20:30:00z",
            "2026-11-22T20:30:00+00:00",
            "2026-11-22T20:30:00.0Z",
            "2026-11-22T20:30:60Z",
            "2026-11-22T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "+026-11-22T20:30:00Z",
            "2026-11-22T20:30:00:00Z",
            "2026-11-22T20:30:00Z\n",
            "02026-11-22T20:30:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_survives_its_text(seconds in 0..=Timestamp::MAX.0) {
            let time = Timestamp::from_seconds(seconds);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn no_text_panics(text in ".{0,30}") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
