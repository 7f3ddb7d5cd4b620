//! Paths that writers and log readers need beyond those of [`RegistryPath`](crate::RegistryPath)
//! (spec/registry.md, "Layout"). They too consist of fixed words and decimal numbers.

/// The signed checkpoint alone, a copy for other C2SP tools.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Where writers put files that are not yet complete.
pub(crate) const TEMPORARY: &str = "tmp";

/// `tile/<L>/<N>[.p/<W>]`, a tile of hashes. A `width` of 256 is a full tile.
pub(crate) fn tile(level: u8, index: u64, width: u16) -> String {
    format!("tile/{level}/{}{}", spread(index), partial(width))
}

/// `tile/entries/<N>[.p/<W>]`, a bundle of log entries.
pub(crate) fn entries(index: u64, width: u16) -> String {
    format!("tile/entries/{}{}", spread(index), partial(width))
}

/// `tile/<L>/<N>.p`, the folder of the partial states of a tile.
pub(crate) fn tile_partials(level: u8, index: u64) -> String {
    format!("tile/{level}/{}.p", spread(index))
}

/// `tile/entries/<N>.p`, the folder of the partial states of an entry bundle.
pub(crate) fn entries_partials(index: u64) -> String {
    format!("tile/entries/{}.p", spread(index))
}

/// `journal/<size>.json`, the slot of the commit that extends a log of `size` leaves. A log key
/// other than the first has slots of its own, `journal/<epoch>/<size>.json`.
pub(crate) fn journal(epoch: u64, size: u64) -> String {
    if epoch <= 1 {
        format!("journal/{size}.json")
    } else {
        format!("journal/{epoch}/{size}.json")
    }
}

/// A tile index in zero-padded groups of three digits, all but the last behind an `x`.
fn spread(mut index: u64) -> String {
    let mut text = format!("{:03}", index % 1000);
    index /= 1000;
    while index > 0 {
        text = format!("x{:03}/{text}", index % 1000);
        index /= 1000;
    }
    text
}

fn partial(width: u16) -> String {
    if width >= 256 {
        String::new()
    } else {
        format!(".p/{width}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RegistryPath;

    #[test]
    fn tile_paths_follow_tlog_tiles() {
        assert_eq!(tile(0, 0, 256), "tile/0/000");
        assert_eq!(tile(1, 1_234_067, 256), "tile/1/x001/x234/067");
        assert_eq!(tile(0, 273, 112), "tile/0/273.p/112");
        assert_eq!(entries(1000, 1), "tile/entries/x001/000.p/1");
        assert_eq!(entries_partials(1000), "tile/entries/x001/000.p");
        assert_eq!(tile_partials(2, 7), "tile/2/007.p");
        for path in [
            tile(1, 1_234_067, 256),
            entries(1000, 1),
            CHECKPOINT.to_owned(),
        ] {
            assert!(RegistryPath::parse(&path).is_some(), "{path}");
        }
    }

    #[test]
    fn readers_have_no_business_in_the_journal() {
        assert_eq!(journal(1, 12), "journal/12.json");
        assert_eq!(journal(3, 12), "journal/3/12.json");
        for epoch in [1, 3] {
            assert!(RegistryPath::parse(&journal(epoch, 12)).is_none());
        }
    }
}
