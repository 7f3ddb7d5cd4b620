//! `spec/vectors/metadata`: the JSON of the `zero` section.

use zero_format::Metadata;

use crate::index::{check, read, vectors};

const AREA: &str = "metadata";

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let bytes = read(AREA, vector.file.as_deref().expect("a file"));
        let metadata = Metadata::decode(&bytes).map_err(|error| error.code().to_owned())?;
        let encoded = metadata.encode();
        let again = Metadata::decode(&encoded).expect("what was written");
        assert_eq!(again, metadata, "{}", vector.name());
        if let Some(json) = vector.find::<String>("json") {
            assert_eq!(String::from_utf8_lossy(&encoded), json, "{}", vector.name());
        }
        Ok(())
    });
}

#[test]
fn no_cut_and_no_change_of_good_metadata_makes_the_decoder_panic() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let bytes = read(AREA, vector.file.as_deref().expect("a file"));
        for length in (0..bytes.len()).step_by(3) {
            let _ = Metadata::decode(bytes.get(..length).unwrap_or_default());
        }
        for at in 0..bytes.len() {
            for change in [0x01, 0x20] {
                let mut changed = bytes.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= change;
                }
                let _ = Metadata::decode(&changed);
            }
        }
    }
}
