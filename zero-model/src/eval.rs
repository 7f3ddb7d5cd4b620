//! Evaluation: many answers to many tasks, and what they say about a model.

mod draw;
mod figure;
mod summary;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::{Deserialize, Serialize};

pub use draw::{DrawError, DrawOptions, draw};
pub use summary::{Interval, Summary, pass_at};

use crate::judge::{Judge, Judgement};
use crate::task::Task;

/// One answer to one task.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The task's id.
    pub task: String,
    /// The text.
    pub answer: String,
    /// How it was asked for.
    #[serde(default)]
    pub kind: Kind,
    /// What random choices started from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Tokens of the conversation before it, where the model counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, where the model counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Why there is no answer, or only a part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// How an answer was asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The likeliest one.
    Greedy,
    /// After the likeliest one was wrong, and the model was told why.
    Repair,
    /// Drawn at random, or from somewhere else.
    #[default]
    Sampled,
}

/// A sample and how it did.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// What was judged.
    #[serde(flatten)]
    pub sample: Sample,
    /// [`crate::judge::Verdict::class`].
    pub verdict: &'static str,
    /// [`crate::judge::Verdict::diagnostic`].
    pub diagnostic: String,
    /// Which trap or limit stopped a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Instructions of the module, if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<usize>,
    /// Units of work of all calls together.
    pub fuel: u64,
    /// [`crate::judge::Verdict::reward`].
    pub reward: f64,
    #[serde(skip)]
    parses: bool,
    #[serde(skip)]
    validates: bool,
    #[serde(skip)]
    passed: bool,
}

/// Samples of tasks that are not in the set.
#[derive(Debug, thiserror::Error)]
#[error("judge the samples: there is no task {task}")]
pub struct UnknownTask {
    /// The id.
    pub task: String,
}

/// The references of the tasks, as samples: judging them checks the tasks.
pub fn references(tasks: &[Task]) -> Vec<Sample> {
    let sample = |task: &Task| {
        Some(Sample {
            task: task.id.clone(),
            answer: task.reference.clone()?,
            ..Sample::default()
        })
    };
    tasks.iter().filter_map(sample).collect()
}

/// Judges samples on some threads; the order of the results is that of the samples.
///
/// # Errors
/// When a sample is of no task.
pub fn judge(
    judge: &Judge,
    tasks: &[Task],
    samples: Vec<Sample>,
    jobs: usize,
) -> Result<Vec<Judged>, UnknownTask> {
    let by_id: BTreeMap<&str, &Task> = tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut of = Vec::with_capacity(samples.len());
    for sample in &samples {
        let task = by_id.get(sample.task.as_str());
        of.push(*task.ok_or_else(|| UnknownTask {
            task: sample.task.clone(),
        })?);
    }
    let verdicts = on_threads(jobs, samples.len(), |at| {
        judge.judge(of[at], &samples[at].answer)
    });
    let judged = samples.into_iter().zip(of).zip(verdicts);
    Ok(judged
        .map(|((sample, task), verdict)| Judged::new(sample, task, verdict))
        .collect())
}

/// Does some work for each number below `count`; the results are in this order.
fn on_threads<T: Send>(jobs: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    let result = work(at);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

impl Judged {
    fn new(sample: Sample, task: &Task, judgement: Judgement) -> Self {
        let Judgement {
            verdict,
            fuel,
            instructions,
        } = judgement;
        Self {
            instructions,
            fuel,
            verdict: verdict.class(),
            diagnostic: verdict.diagnostic(task),
            stopped: verdict.stopped().map(str::to_owned),
            reward: verdict.reward(&sample.answer),
            parses: verdict.parses(),
            validates: verdict.validates(),
            passed: verdict.passed(),
            sample,
        }
    }

    /// Whether every call returned what it should.
    pub fn passed(&self) -> bool {
        self.passed
    }
}
