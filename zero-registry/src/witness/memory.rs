//! The witness itself: it remembers the newest tree of each log, durably, and signs what continues it.
//!
//! The memory is a folder: a list of the logs that were ever named, and for each a file with its last
//! checkpoint. A witness that starts from nothing would sign a second history of each log, so a folder
//! or a file that is missing is an error, and beginning one is a request of its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zero_format::{Digest, PublicKey, SecretKey};

use super::cosignature::{VerifierKey, VerifierKeyError};
use super::request::AddCheckpoint;
use crate::limits::MAX_HEAD_BYTES;
use crate::log::{Checkpoint, CheckpointError, Tree, verify_consistency};
use crate::origin::Origin;
use crate::time::Timestamp;

/// The list of logs, one a line.
const LOGS: &str = "logs";
/// What the file of a log says before the first checkpoint.
const NOTHING: &[u8] = b"no checkpoint yet\n";

/// A witness: its key, the logs that it knows, and what it has signed of them.
pub struct Witness {
    verifier: VerifierKey,
    key: SecretKey,
    logs: Vec<(Origin, PublicKey)>,
    folder: PathBuf,
    /// One request at a time: what was compared must be what is replaced.
    turn: Mutex<()>,
    /// Held as long as the witness lives, so that no second process signs beside it.
    _lock: File,
}

/// Why a witness cannot start, or cannot answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// A memory was to begin where there is one.
    #[error("begin a memory in {}: there is one already", .0.display())]
    Exists(PathBuf),
    /// What was remembered of a log is gone.
    #[error("read the witness's memory {}: it is gone", .0.display())]
    Forgotten(PathBuf),
    /// Another process uses the folder.
    #[error("open the witness's memory {}: another witness uses it", .0.display())]
    InUse(PathBuf),
    /// The memory cannot be read or written.
    #[error("keep the witness's memory in {}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is remembered of a log does not hold.
    #[error("read the witness's memory {}", .path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The witness's name is none.
    #[error("name the witness")]
    Name(#[from] VerifierKeyError),
    /// There is no memory of a witness.
    #[error("open the witness's memory {}: there is none", .0.display())]
    NoMemory(PathBuf),
}

impl WitnessError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse(_) => {
                Some("end the other one, or keep this one's memory elsewhere: --state DIR")
            }
            Self::Exists(_) => Some("leave --new away: it is for the first start only"),
            Self::NoMemory(_) => Some(
                "name the directory that has it: --state DIR; a witness that has signed nothing yet begins one: --new",
            ),
            Self::Forgotten(_) | Self::Memory { .. } => Some(
                "restore it from a backup: a witness that forgets a log could sign a second history of it",
            ),
            Self::Name(_) => Some("use something like witness.example.org/w1"),
            Self::Io { .. } => None,
        }
    }
}

/// What a witness answers, in the words of C2SP tlog-witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// The cosignature line (200).
    Cosigned(String),
    /// The old size is above the new one, or the request cannot be read (400).
    Malformed(String),
    /// No signature by the log's key, or a wrong one (403).
    Unsigned,
    /// A log that this witness does not know (404).
    UnknownLog,
    /// The witness has signed a tree of another size than the one that the request starts from, or
    /// another tree of the very size that it ends at (409).
    Conflict(u64),
    /// The tree does not continue the one that was signed before (422).
    Inconsistent,
}

impl Witness {
    /// A witness of these logs that goes on from its memory in a folder. Logs that it never had are
    /// added.
    ///
    /// # Errors
    /// When the name is none, the folder is not the memory of a witness, a part of it is gone, or
    /// another witness uses it.
    pub fn open(
        name: &str,
        key: SecretKey,
        logs: Vec<(Origin, PublicKey)>,
        folder: impl Into<PathBuf>,
    ) -> Result<Self, WitnessError> {
        let folder = folder.into();
        if is_file(&folder.join(LOGS))? {
            return Self::start(name, key, logs, folder);
        }
        Err(WitnessError::NoMemory(folder))
    }

    /// A witness of these logs that has signed nothing yet, and begins its memory in a folder.
    ///
    /// # Errors
    /// As [`Witness::open`], but for a folder that is the memory of a witness already.
    pub fn create(
        name: &str,
        key: SecretKey,
        logs: Vec<(Origin, PublicKey)>,
        folder: impl Into<PathBuf>,
    ) -> Result<Self, WitnessError> {
        let folder = folder.into();
        if is_file(&folder.join(LOGS))? {
            return Err(WitnessError::Exists(folder));
        }
        let made = fs::create_dir_all(&folder);
        made.map_err(|source| io_of(&folder, source))?;
        Self::start(name, key, logs, folder)
    }

    fn start(
        name: &str,
        key: SecretKey,
        logs: Vec<(Origin, PublicKey)>,
        folder: PathBuf,
    ) -> Result<Self, WitnessError> {
        let verifier = VerifierKey::witness(name, key.public_key())?;
        let lock = lock(&folder)?;
        let witness = Self {
            verifier,
            key,
            logs,
            folder,
            turn: Mutex::new(()),
            _lock: lock,
        };
        witness.recall()?;
        Ok(witness)
    }

    /// Makes sure that there is a memory of each log, and that none is gone.
    fn recall(&self) -> Result<(), WitnessError> {
        let list = self.folder.join(LOGS);
        let known = match fs::read_to_string(&list) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|source| io_of(&list, source))?,
        };
        let mut known: BTreeSet<&str> = known.lines().collect();
        for (origin, _) in &self.logs {
            let place = self.place(origin);
            // The file comes before the line in the list, so that only a loss leaves the line alone.
            if known.insert(origin.as_str()) && !is_file(&place)? {
                self.write(&place, NOTHING)?;
            }
            self.remembered(origin)?;
        }
        let mut lines = Vec::from_iter(known).join("\n");
        lines.push('\n');
        self.write(&list, lines.as_bytes())
    }

    /// What a policy lists to demand this witness.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Judges a request, and signs its checkpoint when that continues what was signed before. The
    /// new tree is durable before the answer is known.
    ///
    /// # Errors
    /// When the memory cannot be read or written: nothing is signed then.
    pub fn add_checkpoint(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<WitnessAnswer, WitnessError> {
        let request = match AddCheckpoint::decode(body) {
            Ok(request) => request,
            Err(error) => return Ok(WitnessAnswer::Malformed(error.to_string())),
        };
        let origin = request.checkpoint.claimed_origin();
        let mut keys = self
            .logs
            .iter()
            .filter(|(known, _)| known == origin)
            .peekable();
        if keys.peek().is_none() {
            return Ok(WitnessAnswer::UnknownLog);
        }
        let mut trees = keys.map(|(_, key)| request.checkpoint.verify(origin, key));
        let Some(tree) = trees.find_map(Result::ok) else {
            return Ok(WitnessAnswer::Unsigned);
        };
        if request.old > tree.size {
            return Ok(WitnessAnswer::Malformed(
                "the old size is above the new one".to_owned(),
            ));
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.remembered(origin)?;
        if before.size != request.old {
            return Ok(WitnessAnswer::Conflict(before.size));
        }
        // C2SP says so, and not 422: another tree of the same size is no failed proof.
        if tree.size == before.size && tree != before {
            return Ok(WitnessAnswer::Conflict(before.size));
        }
        if verify_consistency(before, tree, &request.proof).is_err()
            || (tree.size == 0 && tree != Tree::empty())
        {
            return Ok(WitnessAnswer::Inconsistent);
        }
        if tree != before {
            self.remember(origin, &request.checkpoint)?;
        }
        let text = request.checkpoint.note();
        let mut blob = self.verifier.id().to_vec();
        blob.extend(VerifierKey::cosign(&self.key, &text, now));
        let (name, blob) = (self.verifier.name(), STANDARD.encode(blob));
        Ok(WitnessAnswer::Cosigned(format!("\u{2014} {name} {blob}\n")))
    }

    /// The tree of this log that was signed last; the empty one when none was.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn remembered(&self, origin: &Origin) -> Result<Tree, WitnessError> {
        let path = self.place(origin);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(WitnessError::Forgotten(path));
            }
            Err(source) => return Err(WitnessError::Io { path, source }),
        };
        let mut bytes = Vec::new();
        if let Err(source) = file.take(MAX_HEAD_BYTES).read_to_end(&mut bytes) {
            return Err(WitnessError::Io { path, source });
        }
        if bytes == NOTHING {
            return Ok(Tree::empty());
        }
        let checkpoint = Checkpoint::decode(&bytes).and_then(|checkpoint| {
            if checkpoint.claimed_origin() == origin {
                return Ok(checkpoint);
            }
            Err(CheckpointError::Origin {
                expected: origin.clone(),
                found: checkpoint.claimed_origin().clone(),
            })
        });
        match checkpoint {
            Ok(checkpoint) => Ok(checkpoint.claimed_tree()),
            Err(source) => Err(WitnessError::Memory { path, source }),
        }
    }

    fn remember(&self, origin: &Origin, checkpoint: &Checkpoint) -> Result<(), WitnessError> {
        self.write(&self.place(origin), &checkpoint.encode())
    }

    /// Replaces a file of the memory, durably.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), WitnessError> {
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            sync_folder(&self.folder)
        };
        write().map_err(|source| io_of(path, source))
    }

    /// Origins have slashes and colons; their digests do not.
    fn place(&self, origin: &Origin) -> PathBuf {
        let name = Digest::of(origin.as_str().as_bytes()).to_hex();
        self.folder.join(format!("{name}.checkpoint"))
    }
}

fn lock(folder: &Path) -> Result<File, WitnessError> {
    let path = folder.join("lock");
    let mut options = File::options();
    let file = options.create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| io_of(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(WitnessError::InUse(folder.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(io_of(&path, source)),
    }
}

fn is_file(path: &Path) -> Result<bool, WitnessError> {
    path.try_exists().map_err(|source| io_of(path, source))
}

fn io_of(path: &Path, source: io::Error) -> WitnessError {
    WitnessError::Io {
        path: path.to_owned(),
        source,
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows neither needs nor allows this.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
