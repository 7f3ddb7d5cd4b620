//! What is remembered of a registry between two runs: one file, written whole.
//!
//! Everything in it is verified again when it is read, from the pinned keys on. So a changed byte
//! is found, and a file that another registry or another pin left behind is not believed.

use serde::{Deserialize, Serialize};
use zero_format::{Digest, Minisig, PublicKey};

use crate::{Head, HeadError, Origin, Role, RootError, Roots, Timestamp, Tree, VerifiedHead};

const TAG: &str = "zero-trusted/1";

/// Bytes that the file may have: over a thousand ordinary roots.
pub(super) const MAX_BYTES: u64 = 16 << 20;

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    r#type: String,
    /// When a mirror last confirmed that this is the newest state.
    pub(super) checked_at: Timestamp,
    /// All roots from the first on, in order.
    pub(super) roots: Vec<RootFile>,
    /// The newest head that was trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<String>,
    /// Who gave that head, and under which tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<HeadTag>,
}

/// A root and the signatures that were found with it, as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootFile {
    pub(crate) json: String,
    pub(crate) signatures: Vec<String>,
}

/// What makes the next question for a head a conditional one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadTag {
    pub(super) location: String,
    pub(super) etag: String,
}

impl Stored {
    pub(super) fn new(roots: Vec<RootFile>, checked_at: Timestamp) -> Self {
        Self {
            r#type: TAG.to_owned(),
            checked_at,
            roots,
            head: None,
            tag: None,
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let stored: Self = serde_json::from_slice(bytes)?;
        if stored.r#type == TAG {
            Ok(stored)
        } else {
            Err(serde::de::Error::custom("not a file of this version"))
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts and numbers are always JSON")
    }

    /// How much of the log is trusted according to the file and these roots; it orders two files.
    pub(super) fn size(&self, roots: &Roots) -> u64 {
        let seen = self.seen(roots).ok().flatten();
        seen.and_then(|seen| seen.tree(roots))
            .map_or(0, |tree| tree.size)
    }

    /// The stored head, verified under the root that it was made under or a later one, whatever the
    /// time is.
    pub(super) fn seen(&self, roots: &Roots) -> Result<Option<Seen>, HeadError> {
        let Some(text) = &self.head else {
            return Ok(None);
        };
        let head = Head::decode(text.as_bytes())?;
        let made_under = roots.iter().filter(|r| r.version() >= head.claimed_root());
        let mut refusal = None;
        for root in made_under {
            match head.verify_content(root) {
                Ok(head) => {
                    let root = root.version();
                    return Ok(Some(Seen { head, root }));
                }
                Err(error) => {
                    refusal.get_or_insert(error);
                }
            }
        }
        Err(refusal.unwrap_or(HeadError::Form("it was made under a root that is not kept")))
    }
}

/// A head that was trusted, and the version of the root that it holds under.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) head: VerifiedHead,
    root: u64,
}

impl Seen {
    /// The tree that must not be undone under these roots. After a change of the log key there is
    /// none: whoever had the old key may have signed anything, and the new root's anchor says what
    /// still counts.
    pub(super) fn tree(&self, roots: &Roots) -> Option<Tree> {
        (self.root >= roots.epoch()).then(|| self.head.tree())
    }
}

impl RootFile {
    /// The signatures with the key numbers that their files are named by.
    pub(crate) fn named_signatures(&self) -> impl Iterator<Item = (String, &str)> {
        let texts = self.signatures.iter();
        texts.filter_map(|text| Some((Minisig::parse(text).ok()?.key_id_hex(), text.as_str())))
    }

    pub(super) fn minisigs(&self) -> Vec<Minisig> {
        // A malformed signature counts as none: the threshold decides.
        self.signatures
            .iter()
            .filter_map(|text| Minisig::parse(text).ok())
            .collect()
    }
}

/// Verifies roots of consecutive versions: the first one that the pinned keys signed is the start,
/// earlier ones are named by digest, later ones follow by succession.
pub(super) fn verify_roots(pinned: &Role, files: &[RootFile]) -> Result<Roots, RootError> {
    let mut refusal = RootError::Field("there is none");
    for (start, file) in files.iter().enumerate() {
        match Roots::pin(pinned, file.json.as_bytes(), &file.minisigs()) {
            Ok(mut roots) => {
                let (earlier, later) = files.split_at(start);
                for file in earlier.iter().rev() {
                    roots.prepend(file.json.as_bytes())?;
                }
                for file in later.iter().skip(1) {
                    roots.extend(file.json.as_bytes(), &file.minisigs())?;
                }
                return Ok(roots);
            }
            // The first refusal says the most: it is about the root that an honest pin names.
            Err(error) if start == 0 => refusal = error,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// The name under which a registry is remembered: another pin is another memory.
pub(super) fn identity(origin: &Origin, pinned: &Role) -> Digest {
    let mut keys: Vec<_> = pinned.keys().iter().map(PublicKey::as_bytes).collect();
    keys.sort_unstable();
    let mut text = format!("{TAG}\n{origin}\n{}\n", pinned.threshold());
    for key in keys {
        text += &hex::encode(key);
        text.push('\n');
    }
    Digest::of(text.as_bytes())
}
