//! ustar headers: one shape only, so that no two programs unpack two different trees from one archive.

use std::io;
use std::ops::Range;

use crate::artifact::path::FilePath;

/// Bytes of a header, and the unit in which content is stored.
pub(super) const BLOCK: usize = 512;

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const TYPE: Range<usize> = 156..157;
const LINK: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..265;
const PREFIX: Range<usize> = 345..500;
const REST: Range<usize> = 500..512;

/// What is wrong with the header of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileHeaderFault {
    /// The checksum does not fit.
    #[error("its checksum does not fit")]
    Checksum,
    /// Not POSIX ustar: GNU or pax extensions, for example.
    #[error("its header is not ustar")]
    Format,
    /// A link, a device or a pipe.
    #[error("it is a link, a device or something else")]
    Kind,
    /// Another mode than 0644 or 0755.
    #[error("its mode is neither 0644 nor 0755")]
    Mode,
    /// A number that is not octal.
    #[error("a number in its header is not octal")]
    Number,
}

/// What Zero reads from a header. Owner and time are ignored.
pub(super) struct Header {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) executable: bool,
    pub(super) is_folder: bool,
}

impl Header {
    pub(super) fn decode(block: &[u8; BLOCK]) -> Result<Self, FileHeaderFault> {
        if field(block, MAGIC) != b"ustar\x0000" || field(block, REST).iter().any(|&byte| byte != 0)
        {
            return Err(FileHeaderFault::Format);
        }
        if octal(field(block, CHECKSUM))? != checksum(block) {
            return Err(FileHeaderFault::Checksum);
        }
        let is_folder = match field(block, TYPE) {
            b"0" => false,
            b"5" => true,
            _ => return Err(FileHeaderFault::Kind),
        };
        if !text(field(block, LINK))?.is_empty() {
            return Err(FileHeaderFault::Kind);
        }
        let executable = match octal(field(block, MODE))? {
            0o644 if !is_folder => false,
            0o755 => !is_folder,
            _ => return Err(FileHeaderFault::Mode),
        };
        let size = octal(field(block, SIZE))?;
        if is_folder && size != 0 {
            return Err(FileHeaderFault::Kind);
        }
        Ok(Self {
            path: path(block, is_folder)?,
            size,
            executable,
            is_folder,
        })
    }
}

/// The header of a file: no owner, no time.
pub(super) fn encode(path: &FilePath, size: usize, executable: bool) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path.as_str())?;
    header.set_size(u64::try_from(size).map_err(io::Error::other)?);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// Prefix and name; a folder may have one `/` at its end.
fn path(block: &[u8; BLOCK], is_folder: bool) -> Result<String, FileHeaderFault> {
    let prefix = text(field(block, PREFIX))?;
    let name = text(field(block, NAME))?;
    let path = if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    };
    Ok(path
        .strip_suffix('/')
        .filter(|_| is_folder)
        .map(ToOwned::to_owned)
        .unwrap_or(path))
}

fn field(block: &[u8; BLOCK], range: Range<usize>) -> &[u8] {
    block.get(range).unwrap_or_default()
}

/// A text up to the first NUL, after which there must be nothing but NUL.
fn text(field: &[u8]) -> Result<&str, FileHeaderFault> {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(end).unwrap_or_default();
    if rest.iter().any(|&byte| byte != 0) {
        return Err(FileHeaderFault::Format);
    }
    std::str::from_utf8(text).map_err(|_| FileHeaderFault::Format)
}

/// Octal digits, then NULs or spaces to the end.
fn octal(field: &[u8]) -> Result<u64, FileHeaderFault> {
    let end = field
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'7'))
        .unwrap_or(field.len());
    let (digits, rest) = field.split_at_checked(end).unwrap_or_default();
    if rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return Err(FileHeaderFault::Number);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| FileHeaderFault::Number)?;
    u64::from_str_radix(digits, 8).map_err(|_| FileHeaderFault::Number)
}

/// The sum of all bytes, with spaces where the checksum itself stands.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    block
        .iter()
        .enumerate()
        .map(|(at, &byte)| u64::from(if CHECKSUM.contains(&at) { b' ' } else { byte }))
        .sum()
}
