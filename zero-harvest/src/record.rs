//! One record of the dataset, and one line of `rejects.jsonl` (spec/dataset.md, "Records").

use serde::{Deserialize, Serialize};

use crate::check::{IoExample, Level, Role};
use crate::extract::{CType, Doc};
use crate::units::HeaderMode;

/// The version of the schema.
pub const SCHEMA_VERSION: &str = "0.2.0";

/// One function: what it is for, and its module.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// 32 hexadecimal digits that depend on repository, commit, path, symbol and flags alone.
    pub id: String,
    /// What the module does, in words.
    pub instruction: String,
    /// Where those words come from.
    pub instruction_source: InstructionSource,
    /// The module, as text.
    pub output: String,
    /// The comment as it stands in the source.
    pub doc_raw: String,
    /// The comment, taken apart.
    pub doc_tags: DocTags,
    /// The declaration in C.
    pub signature_c: String,
    /// The type in WebAssembly.
    pub signature_wasm: String,
    /// What each parameter is, and the result.
    pub abi: Vec<Abi>,
    /// The definition in C.
    pub c_source: String,
    /// Types and macros of the repository that it uses.
    pub c_deps: Vec<String>,
    /// SHA-256 of the module that the text stands for.
    pub wasm_sha256: String,
    /// What the module imports, as `module.name`.
    pub imports: Vec<String>,
    /// How many functions it holds.
    pub closure_fns: usize,
    /// Features of WebAssembly that it needs.
    pub features: Vec<String>,
    /// Instructions in it.
    pub n_instr: usize,
    /// The first address that is free for the caller's buffers; `null` without memory.
    pub heap_base: Option<u32>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// How it was built.
    pub build: Build,
    /// What was checked.
    pub verify: Verify,
    /// Inputs and what they give.
    pub io_examples: Vec<IoExample>,
    /// What tells copies of it.
    pub dedupe: Dedupe,
    /// `train`, `validation` or `test`: the same for all records of a repository.
    pub split: Split,
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
}

/// What tells copies of a record.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dedupe {
    /// A digest of the module without its names: copies under other names have the same.
    pub body: String,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum InstructionSource {
    /// The comment's brief, or its first paragraph.
    Brief,
    /// What the comment says of the result: it has no other words.
    Returns,
}

/// A comment, taken apart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct DocTags {
    /// Further paragraphs.
    pub details: Vec<String>,
    /// Documented parameters.
    pub params: Vec<crate::extract::ParamDoc>,
    /// What is returned.
    #[serde(rename = "return")]
    pub returns: Option<String>,
    /// Everything else.
    pub notes: Vec<crate::extract::Note>,
}

impl From<&Doc> for DocTags {
    fn from(doc: &Doc) -> Self {
        Self {
            details: doc.details.clone(),
            params: doc.params.clone(),
            returns: doc.returns.clone(),
            notes: doc.notes.clone(),
        }
    }
}

/// One parameter, or the result.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Abi {
    /// Its name; `return` for the result.
    pub name: String,
    /// Its type in C.
    #[serde(flatten)]
    pub ty: CType,
    /// Its type in WebAssembly; empty for a result that travels through memory.
    pub wasm: String,
    /// What it is for.
    pub role: Role,
}

/// Where a record comes from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The repository.
    pub repo: String,
    /// Its commit; `tree-…`, a digest of its files, where it has none.
    pub commit: String,
    /// The file.
    pub path: String,
    /// The symbol in the object.
    pub symbol: String,
    /// First line of the definition, from 1.
    pub line_start: u32,
    /// Last line.
    pub line_end: u32,
    /// The file's licence, as an SPDX expression; `NOASSERTION` if nobody says.
    pub spdx: String,
    /// Where that is said.
    pub license_evidence: String,
}

/// How a record was built.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Build {
    /// The compiler.
    pub clang: String,
    /// Its arguments.
    pub flags: Vec<String>,
    /// The recipe, if there was one.
    pub recipe: Option<String>,
    /// Where the flags come from.
    pub header_mode: HeaderMode,
}

/// What was checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Verify {
    /// How far.
    pub level: Level,
    /// What the inputs come from.
    pub seed: String,
    /// How many were tried.
    pub inputs: usize,
    /// How many of them the checked build accepts.
    pub survived: usize,
    /// How many different outcomes those have.
    pub distinct_outputs: usize,
    /// Why it goes no further.
    pub reason: Option<String>,
}

/// What a record is for. A repository is in one part as a whole, so that no part holds near copies of another.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Split {
    /// 90 % of repositories.
    Train,
    /// 5 %.
    Validation,
    /// 5 %.
    Test,
}

impl Split {
    /// All of them, in the order in which files are listed.
    pub(crate) const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name in records and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The part that a repository is in, wherever and with whatever else it is harvested.
    pub(crate) fn of(repository: &str) -> Self {
        let digest = blake3::derive_key("zero-harvest split 1", repository.as_bytes());
        match u16::from_le_bytes([digest[0], digest[1]]) % 100 {
            0..5 => Self::Test,
            5..10 => Self::Validation,
            _ => Self::Train,
        }
    }
}

/// A documented function that is no record, or a source that could not be read.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reject {
    /// The repository.
    pub repo: String,
    /// Its commit.
    pub commit: String,
    /// The file.
    pub path: String,
    /// The line of the definition; 0 if the whole file is meant.
    pub line: u32,
    /// The function; `null` if the whole file is meant.
    pub function: Option<String>,
    /// Why.
    pub reason: Reason,
    /// More about it.
    pub detail: String,
}

impl Reject {
    /// A record that is left out after all.
    pub(crate) fn of(record: &Record, reason: Reason, detail: String) -> Self {
        let from = &record.provenance;
        Self {
            repo: from.repo.clone(),
            commit: from.commit.clone(),
            path: from.path.clone(),
            line: from.line_start,
            function: Some(from.symbol.clone()),
            reason,
            detail,
        }
    }
}

/// Why something is no record.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// It did not reach the level that was asked for.
    BelowLevel,
    /// Its data is set up by a constructor.
    Constructor,
    /// A benchmark asks for it.
    Contaminated,
    /// The parser or the compiler crashed or reached a limit.
    Crashed,
    /// The comment says nothing that the name does not.
    DocEmpty,
    /// The comment is too long.
    DocLong,
    /// The comment is too short.
    DocShort,
    /// The unit does not compile.
    DoesNotCompile,
    /// Its module is that of another record, but for names.
    Duplicate,
    /// It imports something, and records were to be self-contained.
    Imports,
    /// The compiler left the function out.
    LeftOut,
    /// Its licence is not allowed.
    License,
    /// `main`: a program, not a function.
    Main,
    /// A header was not found.
    MissingHeader,
    /// It uses data that nobody defines.
    MissingSymbol,
    /// It is called with another type than it has.
    SignatureMismatch,
    /// Its C is nearly that of another record.
    NearDuplicate,
    /// Its repository has as many records as it may have.
    OverCap,
    /// It is larger than a record may be.
    TooLarge,
    /// It needs something of objects that is not supported.
    Unsupported,
}

impl Reason {
    /// The word in `rejects.jsonl`.
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// The figures of one repository, or of all.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Sources.
    pub units: usize,
    /// Sources that compile.
    pub compiled_units: usize,
    /// Functions that are defined and documented.
    pub documented: usize,
    /// Those of them in a unit that compiles.
    pub compilable: usize,
    /// Those of them whose module validates and round-trips.
    pub l1: usize,
    /// Those of them that import nothing.
    pub self_contained: usize,
    /// Those of them verified by execution.
    pub l2: usize,
    /// Records, after the filters.
    pub records: usize,
    /// Everything else, by reason.
    pub rejected: std::collections::BTreeMap<String, usize>,
}

impl Counts {
    /// Adds the figures of another repository.
    pub fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.compiled_units += other.compiled_units;
        self.documented += other.documented;
        self.compilable += other.compilable;
        self.l1 += other.l1;
        self.self_contained += other.self_contained;
        self.l2 += other.l2;
        self.records += other.records;
        for (reason, count) in &other.rejected {
            *self.rejected.entry(reason.clone()).or_default() += count;
        }
    }

    /// Counts a rejection.
    pub(crate) fn reject(&mut self, reason: Reason) {
        *self.rejected.entry(reason.word()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_repositories_are_for_training() {
        let mut counts = [0; 3];
        for number in 0..1000 {
            match Split::of(&format!("repository {number}")) {
                Split::Train => counts[0] += 1,
                Split::Validation => counts[1] += 1,
                Split::Test => counts[2] += 1,
            }
        }
        assert!(
            counts[0] > 850 && counts[1] > 25 && counts[2] > 25,
            "{counts:?}"
        );
    }
}
