//! Fine-tuning: arguments.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Fine-tune a model to write WebAssembly on a harvested dataset
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero tune --base mistralai/Mistral-7B-v0.3 --method qlora --data dataset --out tuned --dry-run\n  cargo zero tune --base ./CodeLlama-7b-hf --data dataset --out tuned\n  cargo zero tune --base ./CodeLlama-7b-hf --data dataset --out tuned --resume\n  cargo zero tune --base tuned/model --method full --tasks tasks.jsonl --out better\n\nIt needs Python 3.11. The packages (torch and others, 6 GB) are installed once, in versions and with digests that are\nfixed, by `uv` where it is installed. Bases with settings of their own: meta-llama/Meta-Llama-3-8B,\nmistralai/Mistral-7B-v0.3, codellama/CodeLlama-7b-hf, and their instruction-tuned siblings."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Tune {
    /// The model to start from: a folder, or a name on the hub
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) base: String,
    /// The dataset: a folder that `harvest` made, or a JSONL file
    #[arg(long, value_name = "DIR|FILE", required_unless_present = "tasks")]
    pub(crate) data: Option<PathBuf>,
    /// Where the run is kept: adapter, GGUF, curve, card, checkpoints
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What is trained
    #[arg(long, value_enum, default_value_t)]
    pub(crate) method: Method,
    /// Check the data, show steps and estimates; install and train nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on with the run in --out
    #[arg(long)]
    pub(crate) resume: bool,
    /// A Python that has the packages; nothing is installed
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
    /// Learn by reward instead: tasks that `eval` judges by running the answers
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub(crate) tasks: Option<PathBuf>,
    /// With --tasks: answers to each task, which are compared with each other
    #[arg(long, value_name = "N", requires = "tasks")]
    pub(crate) generations: Option<u32>,
    /// Leave records out of training that leak into validation or test
    #[arg(long)]
    pub(crate) drop_leaks: bool,
    /// Train on records of all splits but a few: for datasets of one repository
    #[arg(long)]
    pub(crate) pool_splits: bool,
    /// Processes to train with, one for each GPU
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) processes: u32,
    /// Shard the weights over the processes (FSDP)
    #[arg(long)]
    pub(crate) fsdp: bool,
    /// Also write base and adapter as one GGUF file
    #[arg(long, value_name = "TYPE", value_parser = ["f32", "f16", "q8_0"])]
    pub(crate) merge: Option<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Settings that replace those of the base.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings, which replace the base's own")]
pub(crate) struct Settings {
    /// plain, llama2, llama3 or mistral: what stands around a request
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// Rank of the adapter; alpha is twice the rank
    #[arg(long, value_name = "N")]
    pub(crate) rank: Option<u32>,
    /// How far a step goes at most
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// How often the data is seen
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<f64>,
    /// End after so many steps
    #[arg(long, value_name = "N")]
    pub(crate) max_steps: Option<u32>,
    /// Sequences at a time: what memory is needed for
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<u32>,
    /// Batches to a step
    #[arg(long, value_name = "N")]
    pub(crate) accumulation: Option<u32>,
    /// Leave out records of more tokens
    #[arg(long, value_name = "TOKENS")]
    pub(crate) max_length: Option<u32>,
    /// Evaluations and checkpoints an epoch, at most
    #[arg(long, value_name = "N")]
    pub(crate) evaluations: Option<u32>,
    /// Evaluations without a better validation loss after which training ends; 0 for never
    #[arg(long, value_name = "N")]
    pub(crate) patience: Option<u32>,
    /// What all random choices follow from
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u32>,
    /// One record a row, beside others of about its length: faster without a GPU
    #[arg(long)]
    pub(crate) no_packing: bool,
    /// Keep all activations: faster, and needs more memory
    #[arg(long)]
    pub(crate) no_checkpointing: bool,
}

/// What of a model is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// An adapter, beside the base in 16 bits
    #[default]
    Lora,
    /// An adapter, beside the base in 4 bits: a quarter of the memory, on GPUs with CUDA
    Qlora,
    /// Every parameter: for small models
    Full,
}
