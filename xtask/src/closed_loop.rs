//! `cargo xtask loop`: a real library is harvested, a tiny model is tuned on it, asked and judged. Every step is the one
//! that a person would type; only the model is too small to be of use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Context as _;
use crate::setup::python::{self, Lock};
use crate::setup::{self, Need};
use crate::{Failure, Host, Result, chores, shell};

/// A library in C with documentation that every machine with cargo can fetch: zstd, as its crate carries it.
const CRATE: (&str, &str) = ("zstd-sys", "=2.1.3");
const SOURCES: &str = "vendor/zstd-sys/zstd/lib";
/// Settings for a model of 100 000 parameters; the presets are for 7 000 000 000.
const SETTINGS: [&str; 10] = [
    "--pool-splits",
    "--no-checkpointing",
    "--no-packing",
    "--max-length=1024",
    "--learning-rate=0.02",
    "--rank=32",
    "--batch=2",
    "--accumulation=1",
    "--max-steps=80",
    "--evaluations=2",
];

/// Runs the loop in a folder of the cache, and prints what the model could do before and after.
pub(crate) fn run(host: &Host) -> Result<()> {
    setup::ensure(host, &[Need::CToWasm, Need::Cpp])?;
    let python = python::ensure(host, Lock::Train)?;
    shell::title("Build Zero itself");
    chores::build(host)?;
    let folder = host.cache().join("loop");
    if folder.exists() {
        fs::remove_dir_all(&folder).context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).context(|| format!("create {}", folder.display()))?;
    let walk = Loop {
        host,
        python,
        folder,
    };
    walk.harvest()?;
    shell::title(
        "A tiny base: the shape of Llama 3, random weights, a tokenizer trained on the records",
    );
    walk.project(&["tiny", "--family=llama", "--data=dataset", "--out=base"])?;
    shell::title("What it can do before");
    let before = walk.judge("before", &[])?;
    walk.tune()?;
    shell::title("What it can do after");
    let after = walk.judge("after", &["--lora=tuned/adapter"])?;
    shell::title("Ask it, in process, each token held to valid modules");
    walk.ask()?;
    walk.report(&before, &after)
}

struct Loop<'a> {
    host: &'a Host,
    python: PathBuf,
    folder: PathBuf,
}

/// What `eval --json` said.
struct Figures {
    samples: f64,
    shares: [f64; 3],
}

const SHARES: [&str; 3] = ["parses", "validates", "pass@1"];

impl Loop<'_> {
    fn harvest(&self) -> Result<()> {
        shell::title("A real library");
        let manifest = format!(
            "[package]\nname = \"fetched\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"none.rs\"\n\
             [dependencies]\n{} = \"{}\"\n",
            CRATE.0, CRATE.1
        );
        for (name, text) in [("Cargo.toml", manifest.as_str()), ("none.rs", "")] {
            let path = self.folder.join(name);
            fs::write(&path, text).context(|| format!("write {}", path.display()))?;
        }
        let mut vendor = Command::new("cargo");
        vendor
            .current_dir(&self.folder)
            .args(["vendor", "--quiet", "vendor"])
            .stdout(std::process::Stdio::null());
        shell::run(&mut vendor)?;
        shell::title("Harvest it");
        shell::run(&mut self.zero(&[
            "harvest",
            SOURCES,
            "--out",
            "dataset",
            "--licenses",
            "any",
            "--max-text",
            "2048",
        ]))
    }

    fn tune(&self) -> Result<()> {
        shell::title("Tune");
        let mut command = self.zero(&["tune", "--base=base", "--data=dataset", "--out=tuned"]);
        command.args(SETTINGS).arg("--python").arg(&self.python);
        shell::run(&mut command)
    }

    /// Answers to WAT-Eval, judged by running them.
    fn judge(&self, name: &str, lora: &[&str]) -> Result<Figures> {
        let tasks = self.host.root().join("zero-model/wat-eval/tasks.jsonl");
        let tasks = format!("--tasks={}", tasks.display());
        let samples = format!("{name}.jsonl");
        let out = format!("--out={samples}");
        let mut line = vec!["answer", "--model=base", &tasks, &out, "--max-tokens=256"];
        line.extend(lora);
        self.project(&line)?;
        let mut eval = self.zero(&["eval", "--json", "--samples", &samples]);
        println!("$ {}", shell::shown(&eval));
        let output = shell::capture(&mut eval)?;
        let text = String::from_utf8_lossy(&output.stdout);
        Figures::read(&text)
            .ok_or_else(|| Failure::new(format!("eval gave no figures: {}", text.trim())))
    }

    /// A function by the prompt. A model of this size gets it wrong, and `ask` says how.
    fn ask(&self) -> Result<()> {
        self.project(&["convert", "--model=base", "--out=base.gguf"])?;
        let mut command = self.zero(&["ask", "The sum of two numbers.", "--example=3,4=>7"]);
        command.args(["--model=base.gguf", "--lora=tuned/adapter.gguf", "--header"]);
        command.args(["--max-tokens=96", "--attempts=2"]);
        println!("$ {}", shell::shown(&command));
        let status = command.status().context(|| "start cargo-zero".to_owned())?;
        match status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Failure::new(format!("ask ended with {status}"))),
        }
    }

    fn report(&self, before: &Figures, after: &Figures) -> Result<()> {
        shell::title("Before and after");
        let path = self.folder.join("tuned/card.json");
        let card = fs::read_to_string(&path).context(|| format!("read {}", path.display()))?;
        let loss = |name| number(&card, name).unwrap_or(f64::NAN);
        let (from, to) = (loss("validation_loss_before"), loss("validation_loss"));
        println!("validation loss  {from:>6.3}                 {to:>6.3}");
        for (at, name) in SHARES.iter().enumerate() {
            println!("{name:<16} {}   {}", before.shown(at), after.shown(at));
        }
        println!(
            "(shares of answers to WAT-Eval, each with its 95 % interval; the model has 0.1 million parameters)"
        );
        if to < from {
            return Ok(());
        }
        Err(Failure::new("tuning did not lower the validation loss"))
    }

    fn zero(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.host.debug().join("cargo-zero"));
        command
            .current_dir(&self.folder)
            .args(arguments)
            .env("ZERO_HOME", self.folder.join("home"));
        command
    }

    fn project(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.python);
        command
            .current_dir(&self.folder)
            .env("PYTHONPATH", python::project(self.host))
            .args(["-m", "zero_tune"])
            .args(arguments)
            .stdout(std::process::Stdio::null())
            .stderr(log(&self.folder)?);
        shell::run(&mut command)
    }
}

fn log(folder: &Path) -> Result<fs::File> {
    let path = folder.join("python.log");
    fs::File::create(&path).context(|| format!("create {}", path.display()))
}

impl Figures {
    fn read(text: &str) -> Option<Self> {
        let mut found = [0.0; 3];
        for (value, name) in found.iter_mut().zip(SHARES) {
            *value = number(text, name)?;
        }
        Some(Self {
            samples: number(text, "samples")?,
            shares: found,
        })
    }

    /// A share and its interval by Wilson's formula, which is right near 0 and 1, too.
    fn shown(&self, at: usize) -> String {
        let (share, n, z) = (
            self.shares.get(at).copied().unwrap_or(0.0),
            self.samples,
            1.96,
        );
        let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half =
            z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        let percent = |part: f64| 100.0 * part.clamp(0.0, 1.0);
        format!(
            "{:>5.1} % ({:>4.1}–{:>5.1})",
            percent(share),
            percent(middle - half),
            percent(middle + half)
        )
    }
}

/// The number that stands behind a member's name; xtask has no dependencies, a JSON parser included.
fn number(json: &str, name: &str) -> Option<f64> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    let end = rest.find([',', '}', '\n'])?;
    rest.get(..end)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_evals_object() {
        let text = r#"{"ok":true,"tasks":103,"samples":103,"parses":0.5,"validates":0.25,"pass@1":0.0,"verdicts":{}}"#;
        let figures = Figures::read(text).unwrap();
        assert_eq!(figures.shown(0), " 50.0 % (40.5– 59.5)");
        assert_eq!(figures.shown(2), "  0.0 % ( 0.0–  3.6)");
        assert!(Figures::read("{}").is_none());
    }
}
