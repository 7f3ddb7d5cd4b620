//! The judge as a reward function: batches of answers in, what they are worth out (spec/eval.md, "Rewards").

use serde::{Deserialize, Serialize};

use crate::eval::{self, Judged, Sample, UnknownTask};
use crate::judge::Judge;
use crate::task::Task;

/// What a caller sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    samples: Vec<Answer>,
    /// Whether the caller wants to read what was wrong. That names hidden tests: it is not for the model that learns.
    #[serde(default)]
    diagnostics: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    task: String,
    answer: String,
}

/// What an answer is worth.
#[derive(Debug, Serialize)]
struct Worth<'a> {
    task: &'a str,
    verdict: &'a str,
    reward: f64,
    fuel: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostic: Option<&'a str>,
}

#[derive(Serialize)]
struct Worths<'a> {
    results: Vec<Worth<'a>>,
}

/// Why a batch was not judged.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// It is none.
    #[error("read the batch")]
    Malformed(#[from] serde_json::Error),
    /// An answer is to no task of the set.
    #[error(transparent)]
    Unknown(#[from] UnknownTask),
}

/// Judges batches of answers to the tasks of a set.
#[derive(Debug)]
pub struct Rewards {
    judge: Judge,
    tasks: Vec<Task>,
    jobs: usize,
}

impl Rewards {
    /// Rewards for answers to these tasks, judged on `jobs` threads.
    pub fn new(tasks: Vec<Task>, jobs: usize) -> Self {
        Self {
            judge: Judge::default(),
            tasks,
            jobs,
        }
    }

    /// Answers a batch, `{"samples":[{"task":ID,"answer":TEXT},…]}`, with `{"results":[…]}` in the same order.
    ///
    /// # Errors
    /// When it is no batch, or names a task that is not in the set; then nothing of it is judged.
    pub fn answer(&self, batch: &[u8]) -> Result<String, BatchError> {
        let Batch {
            samples,
            diagnostics,
        } = serde_json::from_slice(batch)?;
        let samples = samples.into_iter().map(|Answer { task, answer }| Sample {
            task,
            answer,
            ..Sample::default()
        });
        let judged = eval::judge(&self.judge, &self.tasks, samples.collect(), self.jobs)?;
        let results = judged
            .iter()
            .map(|one| Worth::of(one, diagnostics))
            .collect();
        Ok(serde_json::to_string(&Worths { results })?)
    }
}

impl<'a> Worth<'a> {
    fn of(one: &'a Judged, diagnostics: bool) -> Self {
        Self {
            task: &one.sample.task,
            verdict: one.verdict,
            reward: one.reward,
            fuel: one.fuel,
            instructions: one.instructions,
            diagnostic: diagnostics.then_some(one.diagnostic.as_str()),
        }
    }
}
