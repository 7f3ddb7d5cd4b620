//! Packages by their words, as a mirror's catalogue lists them (spec/catalogue.md, "Search").

use zero_format::PackageName;

use super::{Client, Trusted};
use crate::RegistryPath;
use crate::search::{self, Node};
use crate::transport::{Fetched, GetOptions, Transport, TransportError};

/// Bytes of a list: 128 packages with descriptions.
const MAX_LIST: u64 = 8 << 20;
/// Bytes of the catalogue's own description.
const MAX_CATALOGUE: u64 = 4 << 20;

/// What a catalogue lists. Nothing of it is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Names, the best first.
    pub names: Vec<PackageName>,
    /// Whether there may be more.
    pub more: bool,
}

impl Client {
    /// The packages that have all these words, or words that begin with them, in their names or
    /// descriptions; about `enough` of them. Nothing where no mirror has a catalogue.
    ///
    /// A mirror can hide packages here, and name some that there are not: look each one up.
    pub fn find(&self, trusted: &Trusted, query: &str, enough: usize) -> Option<Listed> {
        let mut mirrors = self.mirrors.from(trusted.mirror());
        mirrors.find_map(|(_, mirror)| find_at(mirror, query, enough).ok().flatten())
    }
}

fn find_at(
    mirror: &dyn Transport,
    query: &str,
    enough: usize,
) -> Result<Option<Listed>, TransportError> {
    let found = search::find(query, enough, |path| {
        let bytes = read(mirror, path, MAX_LIST)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice::<Node>(&bytes).ok()))
    })?;
    let nothing = found.names.is_empty();
    if nothing && read(mirror, "catalogue.json", MAX_CATALOGUE)?.is_none() {
        return Ok(None);
    }
    let names = found.names.iter().filter_map(|name| name.parse().ok());
    Ok(Some(Listed {
        names: names.collect(),
        more: found.more,
    }))
}

fn read(mirror: &dyn Transport, path: &str, max: u64) -> Result<Option<Vec<u8>>, TransportError> {
    let Some(path) = RegistryPath::parse(path) else {
        return Ok(None);
    };
    match mirror.get(&path, &GetOptions::up_to(max))? {
        Fetched::Bytes { bytes, .. } => Ok(Some(bytes)),
        _ => Ok(None),
    }
}
