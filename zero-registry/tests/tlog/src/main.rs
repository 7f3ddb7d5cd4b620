//! `tlog DIR VKEY [OLDER]`: checks a log in C2SP's files, and that it goes on from an older checkpoint. Prints the number
//! of leaves, then each leaf's line.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Tile, TileHashReader, TileReader};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tiles hold two to the power of this many hashes.
const HEIGHT: u8 = 8;

/// The log's folder.
struct Files(PathBuf);

impl Files {
    /// C2SP leaves the height out of paths, and calls leaves entries.
    fn read(&self, tile: &Tile) -> io::Result<Vec<u8>> {
        let path = tile.path();
        let path = path.replacen(&format!("tile/{HEIGHT}/"), "tile/", 1);
        fs::read(self.0.join(path.replacen("tile/data/", "tile/entries/", 1)))
    }
}

impl TileReader for Files {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> std::result::Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile| self.read(tile).map_err(|_| tlog_tiles::Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [folder, key, older @ ..] = args.as_slice() else {
        return Err("DIR VKEY [OLDER]".into());
    };
    let files = Files(folder.into());
    let head = checkpoint(&fs::read(files.0.join("checkpoint"))?, key)?;
    let (size, root) = (head.size(), *head.hash());
    let hashes = TileHashReader::new(size, root, &files);
    for older in older {
        let older = checkpoint(&fs::read(older)?, key)?;
        let proof = tlog_tiles::prove_tree(size, older.size(), &hashes)?;
        tlog_tiles::check_tree(&proof, size, root, older.size(), *older.hash())?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{size}")?;
    for at in 0..size {
        let leaf = leaf(&files, at, size)?;
        let proof = tlog_tiles::prove_record(size, at, &hashes)?;
        tlog_tiles::check_record(&proof, size, root, at, tlog_tiles::record_hash(&leaf))?;
        out.write_all(&leaf)?;
    }
    Ok(())
}

fn checkpoint(bytes: &[u8], key: &str) -> Result<Checkpoint> {
    let note = Note::from_bytes(bytes)?;
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(key)?)]);
    note.verify(&known)?;
    Checkpoint::from_bytes(note.text()).map_err(|_| "the checkpoint is malformed".into())
}

/// A leaf out of its bundle: each has its length in two bytes before it.
fn leaf(files: &Files, at: u64, size: u64) -> Result<Vec<u8>> {
    let (number, inside) = (at >> HEIGHT, at & 255);
    let width = u32::try_from((size - (number << HEIGHT)).min(256))?;
    let bundle = files.read(&Tile::new(HEIGHT, 0, number, width, true))?;
    let mut rest = bundle.as_slice();
    for _ in 0..inside {
        rest = split(rest)?.1;
    }
    Ok(split(rest)?.0.to_vec())
}

fn split(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk().ok_or("a bundle is too short")?;
    let length = usize::from(u16::from_be_bytes(*length));
    rest.split_at_checked(length)
        .ok_or_else(|| "a bundle is too short".into())
}
