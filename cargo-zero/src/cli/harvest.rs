//! `harvest` and what is done with a dataset.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use zero_harvest::limits::Sizes;

/// Turn documented C into records of instruction and WebAssembly text
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero harvest ./cjson --out dataset\n  cargo zero harvest https://git.example/lib.git lib-1.0.tar.gz --out dataset\n  cargo zero harvest @repositories.txt --out dataset --resume\n  cargo zero harvest @repositories.txt --out dataset --shard 1/8\n  cargo zero harvest stats dataset\n  cargo zero harvest show 1f0c --dataset dataset\n\nA source is a folder, an archive (.tar, .tar.gz, .tar.bz2, .tar.xz, .zip, .crate), a git URL (cloned at depth 1), or @FILE\nwith one a line. No native code of it is executed. It needs clang, libclang and wasi-libc.",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Harvest {
    #[command(subcommand)]
    pub(crate) command: Option<HarvestCommand>,
    /// Where the C is
    #[arg(value_name = "SOURCE", required = true)]
    pub(crate) sources: Vec<String>,
    /// The dataset's folder: new or empty, unless a run is resumed
    #[arg(short, long, value_name = "DIR", required = true)]
    pub(crate) out: Option<PathBuf>,
    /// A folder of recipes, for repositories whose flags cannot be found out (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub(crate) recipes: Vec<PathBuf>,
    /// Licences that files may have: `permissive`, `any`, or SPDX identifiers with commas between them
    #[arg(long, default_value = "permissive", value_name = "LICENSES")]
    pub(crate) licenses: zero_harvest::Licenses,
    /// Leave out functions that import anything
    #[arg(long)]
    pub(crate) self_contained: bool,
    /// Leave out modules with more functions
    #[arg(long, value_name = "N", default_value_t = Sizes::default().functions)]
    pub(crate) max_functions: usize,
    /// Leave out modules with more instructions
    #[arg(long, value_name = "N", default_value_t = Sizes::default().instructions)]
    pub(crate) max_instructions: usize,
    /// Leave out modules with more bytes of data
    #[arg(long, value_name = "BYTES", default_value_t = Sizes::default().data)]
    pub(crate) max_data: u32,
    /// Leave out modules whose text has more bytes
    #[arg(long, value_name = "BYTES", default_value_t = Sizes::default().text)]
    pub(crate) max_text: usize,
    /// Give up reading or compiling a source after this long
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) max_seconds: u64,
    /// Give up reading or compiling a source that needs more memory
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    pub(crate) max_memory: u64,
    /// How far to verify: L1 validates, L2 also executes
    #[arg(long, value_enum, default_value_t = HarvestLevel::L2, value_name = "LEVEL")]
    pub(crate) verify: HarvestLevel,
    /// How far a function must be verified to become a record
    #[arg(long, value_enum, default_value_t = HarvestLevel::L1, value_name = "LEVEL")]
    pub(crate) level: HarvestLevel,
    /// Indent the text with this many blanks a level
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) indent: usize,
    /// Keep what an earlier run finished
    #[arg(long)]
    pub(crate) resume: bool,
    /// Do only the first of four parts of the work (1/4); a run with --resume makes the dataset of all parts
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<zero_harvest::Shard>,
    /// What the dataset is written as
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "jsonl,parquet",
        value_name = "FORMATS"
    )]
    pub(crate) format: Vec<HarvestFormat>,
    /// Write training data in this style, too (may be repeated)
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STYLE")]
    pub(crate) style: Vec<HarvestStyle>,
    /// Keep records whose code another one has
    #[arg(long)]
    pub(crate) keep_duplicates: bool,
    /// Leave out records of one repository beyond this many
    #[arg(long, value_name = "N")]
    pub(crate) max_per_repository: Option<usize>,
    /// Leave out what these benchmarks ask for, one prompt a line or `prompt` or `instruction` of JSON lines; WAT-Eval is
    /// always one of them
    #[arg(long, value_name = "FILE")]
    pub(crate) decontaminate: Vec<PathBuf>,
    /// Keep clones in this folder for later runs
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// How many units at a time [default: one for each core]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
    /// The clang to compile with [default: the first on PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) clang: Option<PathBuf>,
    /// Where wasi-libc is [default: /usr]
    #[arg(long, value_name = "DIR")]
    pub(crate) sysroot: Option<PathBuf>,
}

/// Levels of verification (spec/dataset.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "verbatim")]
pub(crate) enum HarvestLevel {
    /// The module validates and its text gives the same bytes
    L1,
    /// Executed, in agreement with a build that traps where behaviour is undefined
    L2,
}

/// What can be done with a dataset.
#[derive(Debug, Subcommand)]
pub(crate) enum HarvestCommand {
    Stats(Stats),
    Show(ShowRecord),
}

/// Show what is in a dataset: tables, and histograms as pictures
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cargo zero harvest stats dataset --svg pictures")]
pub(crate) struct Stats {
    /// The dataset's folder
    pub(crate) dataset: PathBuf,
    /// Write histograms as SVG into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,
}

/// Show a record: its documentation, and C and WebAssembly text side by side
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero harvest show 1f0c\n  cargo zero harvest show LZ4_compressBound --dataset lz4"
)]
pub(crate) struct ShowRecord {
    /// The first digits of a record's id, or a function's name
    pub(crate) id: String,
    /// The dataset's folder
    #[arg(long, default_value = "dataset", value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Columns of the page [default: those of the terminal]
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<usize>,
}

/// Formats of a dataset (spec/dataset.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HarvestFormat {
    /// A JSON object a line
    Jsonl,
    /// The same, compressed with Zstandard
    JsonlZst,
    /// Columns
    Parquet,
}

/// Styles of training data (spec/dataset.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HarvestStyle {
    /// instruction, input, output
    Alpaca,
    /// messages of a user and an assistant
    Messages,
    /// prompt and completion
    PromptCompletion,
    /// prompt and tests, for those that execute answers; records of level L2 only
    Rl,
}
