//! `[limits]`: sizes and durations as people write them.

use toml::de::DeTable;

use super::reader::{Item, Reader, integer};
use crate::metadata::Limits;

const KEYS: [&str; 6] = ["memory", "time", "output", "write", "handles", "fuel"];
const SIZES: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
const DURATIONS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000)];

pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Limits {
    reader.known_keys(table, "[limits]", &KEYS);
    Limits {
        memory: table
            .get("memory")
            .and_then(|item| size(reader, item, "memory")),
        time_ms: table.get("time").and_then(|item| duration(reader, item)),
        output: table
            .get("output")
            .and_then(|item| size(reader, item, "output")),
        write: table
            .get("write")
            .and_then(|item| size(reader, item, "write")),
        handles: table
            .get("handles")
            .and_then(|item| count(reader, item, "handles", "is no number of handles", "64")),
        fuel: table.get("fuel").and_then(|item| {
            count(
                reader,
                item,
                "fuel",
                "is no amount of fuel",
                "5_000_000_000",
            )
        }),
    }
}

fn size(reader: &mut Reader<'_>, item: &Item<'_>, what: &str) -> Option<u64> {
    let bytes = match item.get_ref().as_str() {
        Some(text) => quantity(text, &SIZES),
        None if item.get_ref().is_integer() => integer(item),
        None => None,
    };
    let hint = "write a number of bytes or a size such as `\"256 MiB\"`; the units are B, KiB, MiB, GiB and TiB";
    positive(reader, item, bytes, what, "is no size", hint)
}

fn duration(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<u64> {
    let milliseconds = item
        .get_ref()
        .as_str()
        .and_then(|text| quantity(text, &DURATIONS));
    let hint = match integer::<u64>(item) {
        Some(number) => format!("write the unit: `\"{number} s\"`"),
        None => "write a time such as `\"30 s\"`; the units are ms, s, min and h".to_owned(),
    };
    positive(reader, item, milliseconds, "time", "is no duration", &hint)
}

fn count(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    what: &str,
    wrong: &str,
    example: &str,
) -> Option<u64> {
    let hint = format!("write a whole number: `{example}`");
    positive(reader, item, integer(item), what, wrong, &hint)
}

fn positive(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    value: Option<u64>,
    what: &str,
    wrong: &str,
    hint: &str,
) -> Option<u64> {
    match value {
        Some(0) => {
            let hint = "no program can run with this: raise it, or drop the key".to_owned();
            reader.fault(item.span(), format!("`{what}` is zero"), Some(hint));
            None
        }
        Some(value) => Some(value),
        None => {
            reader.fault(
                item.span(),
                format!("`{what}` {wrong}"),
                Some(hint.to_owned()),
            );
            None
        }
    }
}

/// `256 MiB`, `1.5 s`: a number, at most three decimals, an optional space, a unit.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let unit_start = text.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit_start)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number
        .trim_end()
        .split_once('.')
        .unwrap_or((number.trim_end(), "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let thousandths: u64 = format!("{fraction:0<3}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole
        .checked_mul(*factor)?
        .checked_add(factor.checked_mul(thousandths)? / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_and_durations_as_people_write_them() {
        let size = |text| quantity(text, &SIZES);
        assert_eq!(size("256 MiB"), Some(256 << 20));
        assert_eq!(size("1GiB"), Some(1 << 30));
        assert_eq!(size("1.5 KiB"), Some(1536));
        assert_eq!(size("12 B"), Some(12));
        for text in [
            "",
            "MiB",
            "256",
            "256 MB",
            "256 mib",
            "-1 KiB",
            "1.2.3 KiB",
            "1e3 KiB",
            "99999999999 TiB",
            ". B",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
        let duration = |text| quantity(text, &DURATIONS);
        assert_eq!(duration("30 s"), Some(30_000));
        assert_eq!(duration("500 ms"), Some(500));
        assert_eq!(duration("2 min"), Some(120_000));
        assert_eq!(duration("0.25 s"), Some(250));
        assert_eq!(duration("1 year"), None);
    }
}
