//! Models that write WebAssembly: arguments of `ask` and `eval`.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};

use zero_model::task::Prototype;

use crate::commands::asked::Example;

/// The temperature at which several answers differ enough to be worth asking for.
pub(crate) const VARIED: f32 = 0.8;

/// Let a model write a function, and run it
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero ask \"hamming distance of two numbers\" --example 11,13=>2 --invoke 7,9\n  cargo zero ask \"n-th Fibonacci number\" --signature 'fib(i32) -> i64' --test 10=>55 --save fib\n  cargo zero ask \"greatest common divisor\" --example 12,18=>6 --dataset dataset --candidates 4\n  cargo zero ask \"absolute value\" --example -3=>3 --model model.gguf --lora adapter.gguf\n\nThe model is at an OpenAI-compatible address: --model, ZERO_MODEL_URL, or url under [model] in config.toml. Its key is\nread from ZERO_MODEL_KEY. Or it is a file, which a program built with the feature `gguf` runs itself: there each token is\none after which the answer can still become a valid module.\n\nWhat it writes is tried without any right, in a fresh instance for each call, with little memory and bounded work; it may\nimport nothing. What is wrong is told to the model, which then tries again."
)]
pub(crate) struct Ask {
    /// What the function is to do
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: String,
    /// A call and its result, which the model sees and its answer must fulfil [repeatable]
    #[arg(long, value_name = "ARGS=>RESULT", allow_hyphen_values = true)]
    pub(crate) example: Vec<Example>,
    /// The same, but the model does not see it before it fails [repeatable]
    #[arg(long, value_name = "ARGS=>RESULT", allow_hyphen_values = true)]
    pub(crate) test: Vec<Example>,
    /// The function's name and type [default: from the numbers in examples and calls]
    #[arg(long, value_name = "NAME(TYPES) -> TYPE")]
    pub(crate) signature: Option<Prototype>,
    /// Then call the function with these arguments
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) invoke: Option<String>,
    /// Make a package of it, in a new folder with the package's name
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// A dataset that `cargo zero harvest` made: the records nearest to the prompt become examples
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: Option<PathBuf>,
    /// How many records of the dataset
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) shots: usize,
    /// How often the model may try, each time told what was wrong
    #[arg(long, value_name = "N", default_value = "4")]
    pub(crate) attempts: NonZeroUsize,
    /// Answers that are asked for at once in each attempt
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = threads(64))]
    pub(crate) candidates: usize,
    /// 0 for the likeliest answer [default: 0, with several candidates 0.8]
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub(crate) temperature: Option<f32>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// Which model, and how it is asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct ModelArgs {
    /// The address of an OpenAI-compatible server, such as http://127.0.0.1:8080/v1, or a file, MODEL.gguf
    #[arg(long, value_name = "URL|FILE")]
    pub(crate) model: Option<String>,
    /// Which of the server's models [default: its own choice]
    #[arg(long, value_name = "NAME")]
    pub(crate) model_name: Option<String>,
    /// An adapter for the model in a file
    #[arg(long, value_name = "FILE")]
    pub(crate) lora: Option<PathBuf>,
    /// Do not hold the answers of a model in a file to what can become a valid module
    #[arg(long)]
    pub(crate) no_mask: bool,
    /// Begin the answers of a model in a file with the function's header: for models that write it first
    #[arg(long)]
    pub(crate) header: bool,
    /// Tokens that a model in a file reads and writes for one answer [default: 8192, or what it was trained for if less]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) context: Option<u32>,
    /// Threads that run a model in a file [default: half of what the system offers]
    #[arg(long, value_name = "N", value_parser = threads(512))]
    pub(crate) model_threads: Option<usize>,
    /// The interface: conversations, or texts for models without a template
    #[arg(long, value_enum, default_value_t)]
    pub(crate) api: ModelApi,
    /// Seconds to wait for an answer of a server
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) model_timeout: u64,
    /// Tokens of an answer at the most
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,
    /// What random choices start from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Interfaces of model servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelApi {
    /// /v1/chat/completions
    #[default]
    Chat,
    /// /v1/completions
    Completions,
}

/// A number of which each one is a thread: more than the system gives would end the program.
fn threads(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}

fn temperature(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=5.0).contains(&value) {
        Ok(value)
    } else {
        Err("it is not between 0 and 5".to_owned())
    }
}

/// Measure what a model can do, by running what it writes
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  cargo zero eval --model http://127.0.0.1:8080/v1 --out report\n  cargo zero eval --model http://127.0.0.1:8080/v1 -n 20 -k 1,10 --repair --out report\n  cargo zero eval --model model.gguf --lora adapter.gguf\n  cargo zero eval --model reference\n  cargo zero eval --samples answers.jsonl --out report\n  cargo zero eval serve --listen 127.0.0.1:7000\n\nThe model is named as for `cargo zero ask`; `--model reference` answers every task with its own reference, which checks\nthe tasks. Answers run in the sandbox without any right. Samples are JSON lines with the members `task` and `answer`."
)]
pub(crate) struct Eval {
    #[command(subcommand)]
    pub(crate) command: Option<EvalCommand>,
    #[command(flatten)]
    pub(crate) measure: Measure,
}

/// Languages that answers can be in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerLanguage {
    /// C
    C,
    /// WebAssembly text
    #[default]
    Wat,
}

/// What else `eval` does.
#[derive(Debug, Subcommand)]
pub(crate) enum EvalCommand {
    Serve(ServeEval),
}

/// What is measured, and how.
#[derive(Args, Debug)]
pub(crate) struct Measure {
    /// Judge the answers in this file instead of asking a model
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "model_name", "lora", "n", "repair"])]
    pub(crate) samples: Option<PathBuf>,
    /// Tasks to use instead of WAT-Eval
    #[arg(long, value_name = "FILE")]
    pub(crate) tasks: Option<PathBuf>,
    /// Answers to each task: 1 is the likeliest; more are drawn at random besides it
    #[arg(short, value_name = "N", default_value = "1")]
    pub(crate) n: NonZeroU16,
    /// For which k to estimate pass@k
    #[arg(short, value_name = "K", value_delimiter = ',', default_value = "1,10", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) k: Vec<u16>,
    /// Tell the model what is wrong with its likeliest answer, and take a second one
    #[arg(long)]
    pub(crate) repair: bool,
    /// What the model answers in: WebAssembly text, or C that clang compiles, for comparison
    #[arg(long, value_enum, default_value_t)]
    pub(crate) language: AnswerLanguage,
    /// How varied answers at random are
    #[arg(long, value_name = "T", default_value_t = VARIED, value_parser = temperature)]
    pub(crate) temperature: f32,
    /// Requests to the model at the same time
    #[arg(long, value_name = "N", default_value = "4", value_parser = threads(64))]
    pub(crate) parallel: usize,
    /// Answers to judge at the same time; one for each core by default
    #[arg(long, value_name = "N", value_parser = threads(1024))]
    pub(crate) jobs: Option<usize>,
    /// Keep answers, verdicts and report in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on where an interrupted run stopped: what is in the folder is not asked for again
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// Judge batches of answers, as a reward function for learning
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero eval serve --listen 127.0.0.1:7000\n  cargo zero eval serve --tasks tasks.jsonl < batches.jsonl\n\nA batch is {\"samples\":[{\"task\":ID,\"answer\":TEXT},…]}: one a line on standard input, or the body of a POST with the type\napplication/json. The answer is {\"results\":[{\"verdict\":…,\"reward\":…},…]}, in the same order. examples/rewards has a\nclient in Python."
)]
pub(crate) struct ServeEval {
    /// Answer over HTTP at this address instead of over standard input and output; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Tasks to use instead of WAT-Eval
    #[arg(long, value_name = "FILE")]
    pub(crate) tasks: Option<PathBuf>,
    /// Answers to judge at the same time; one for each core by default
    #[arg(long, value_name = "N", value_parser = threads(1024))]
    pub(crate) jobs: Option<usize>,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn nobody_starts_more_threads_than_there_can_be() {
        for (line, good) in [
            ("ask x --candidates 64", true),
            ("ask x --candidates 65", false),
            ("ask x --candidates 0", false),
            ("eval --model reference --jobs 1024", true),
            ("eval --model reference --jobs 1000000", false),
            ("eval --model reference --jobs 0", false),
        ] {
            let words = std::iter::once("cargo-zero").chain(line.split(' '));
            assert_eq!(Cli::try_parse_from(words).is_ok(), good, "{line}");
        }
    }
}
