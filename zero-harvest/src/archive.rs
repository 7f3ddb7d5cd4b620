//! Static libraries (`ar`): the C library's objects, read when a slice first needs them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::object::{Object, ObjectError};

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no archive with a symbol table.
    #[error("{path} is no static library with a symbol table")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// One library.
#[derive(Debug)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    /// Symbols and the members that define them.
    index: HashMap<Box<str>, usize>,
    /// Members by their place in the archive.
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    start: usize,
    end: usize,
    object: OnceLock<Result<Object, ObjectError>>,
}

impl Archive {
    /// Reads the library at `path`; its members stay unread.
    pub(crate) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let bytes = std::fs::read(path).map_err(|source| ArchiveError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(bytes).ok_or_else(|| ArchiveError::Malformed {
            path: path.to_owned(),
        })
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let mut index = HashMap::new();
        let mut members: Vec<Member> = Vec::new();
        let mut by_offset = HashMap::new();
        let mut table = Vec::new();
        let mut at = MAGIC.len();
        while let Some(header) = bytes.get(at..at + HEADER) {
            let size: usize = std::str::from_utf8(&header[48..58])
                .ok()?
                .trim()
                .parse()
                .ok()?;
            let start = at + HEADER;
            let end = start.checked_add(size).filter(|end| *end <= bytes.len())?;
            match header[..16].trim_ascii_end() {
                b"/" => table = symbols(bytes.get(start..end)?)?,
                b"//" => {}
                _ => {
                    by_offset.insert(at, members.len());
                    members.push(Member {
                        start,
                        end,
                        object: OnceLock::new(),
                    });
                }
            }
            // Members start at even offsets.
            at = end + end % 2;
        }
        for (name, offset) in table {
            // As linkers do: the first member that defines a name provides it.
            let member = *by_offset.get(&offset)?;
            index.entry(name).or_insert(member);
        }
        Some(Self {
            bytes,
            index,
            members,
        })
    }

    /// The member that defines a symbol, with its number.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &Object)> {
        let number = *self.index.get(name)?;
        let member = self.members.get(number)?;
        let object = member.object.get_or_init(|| {
            Object::parse(self.bytes.get(member.start..member.end).unwrap_or_default())
        });
        // A member that we cannot read is as good as none: the symbol stays an import.
        object.as_ref().ok().map(|object| (number, object))
    }

    /// A digest of all of it.
    pub(crate) fn digest(&self) -> blake3::Hash {
        blake3::hash(&self.bytes)
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}

/// The symbol table: a count, that many offsets, then names that end in NUL.
fn symbols(bytes: &[u8]) -> Option<Vec<(Box<str>, usize)>> {
    let word = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let count = word(0)?;
    let names = bytes.get(count.checked_mul(4)?.checked_add(4)?..)?;
    names
        .split(|byte| *byte == 0)
        .take(count)
        .enumerate()
        .map(|(number, name)| {
            let name = std::str::from_utf8(name).ok()?;
            Some((name.into(), word(4 + 4 * number)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_what_is_no_archive() {
        assert!(Archive::parse(b"\x7fELF".to_vec()).is_none());
        assert!(Archive::parse(Vec::new()).is_none());
    }

    #[test]
    fn rejects_a_member_that_is_longer_than_the_file() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(format!("{:<16}{:<32}{:<10}`\n", "a.o/", "", 9).bytes());
        bytes.extend([0; 8]);
        assert!(Archive::parse(bytes).is_none());
    }

    #[test]
    fn rejects_a_symbol_of_no_member() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(format!("{:<16}{:<32}{:<10}`\n", "/", "", 10).bytes());
        bytes.extend([0, 0, 0, 1, 0, 0, 9, 9, b'f', 0]);
        assert!(Archive::parse(bytes).is_none());
    }
}
