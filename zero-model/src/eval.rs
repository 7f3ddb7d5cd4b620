//! Evaluation: many answers to many tasks, and what they say about a model.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::judge::{Judge, Judgement};
use crate::task::Task;

/// One answer to one task.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The task's id.
    pub task: String,
    /// The text.
    pub answer: String,
}

/// A sample and how it did.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// The task's id.
    pub task: String,
    /// The text.
    pub answer: String,
    /// [`crate::judge::Verdict::class`].
    pub verdict: &'static str,
    /// [`crate::judge::Verdict::diagnostic`].
    pub diagnostic: String,
    /// Instructions of the module, if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<usize>,
    /// Units of work of all calls together.
    pub fuel: u64,
    parses: bool,
    validates: bool,
    passed: bool,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Tasks in the set.
    pub tasks: usize,
    /// Answers that were tried.
    pub samples: usize,
    /// The share of answers that parse.
    pub parses: f64,
    /// The share of answers that are valid modules.
    pub validates: f64,
    /// `pass@k`, without bias, for every k that was asked for and every task has enough answers for.
    #[serde(flatten)]
    pub pass: BTreeMap<String, f64>,
    /// How many answers ended how.
    pub verdicts: BTreeMap<&'static str, usize>,
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
    if let Some(sample) = samples
        .iter()
        .find(|sample| !by_id.contains_key(sample.task.as_str()))
    {
        return Err(UnknownTask {
            task: sample.task.clone(),
        });
    }
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![None; samples.len()]);
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, samples.len().max(1)) {
            scope.spawn(|| {
                while let Some((at, sample)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    samples.get(at).map(|sample| (at, sample))
                } {
                    let verdict = judge.judge(by_id[sample.task.as_str()], &sample.answer);
                    let mut verdicts = verdicts
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    verdicts[at] = Some(verdict);
                }
            });
        }
    });
    let verdicts = verdicts
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let judged = samples
        .into_iter()
        .zip(verdicts)
        .filter_map(|(sample, verdict)| {
            let Judgement {
                verdict,
                fuel,
                instructions,
            } = verdict?;
            Some(Judged {
                instructions,
                fuel,
                verdict: verdict.class(),
                diagnostic: verdict.diagnostic(by_id[sample.task.as_str()]),
                parses: verdict.parses(),
                validates: verdict.validates(),
                passed: verdict.passed(),
                task: sample.task,
                answer: sample.answer,
            })
        });
    Ok(judged.collect())
}

impl Summary {
    /// Counts. A task without an answer is a task that was not passed.
    pub fn of(tasks: &[Task], judged: &[Judged], ks: &[usize]) -> Self {
        let mut counts: BTreeMap<&str, (usize, usize)> = tasks
            .iter()
            .map(|task| (task.id.as_str(), (0, 0)))
            .collect();
        let mut verdicts = BTreeMap::new();
        for sample in judged {
            let (all, passed) = counts.entry(&sample.task).or_default();
            *all += 1;
            *passed += usize::from(sample.passed);
            *verdicts.entry(sample.verdict).or_default() += 1;
        }
        let enough = |k: usize| k == 1 || counts.values().all(|(all, _)| *all >= k);
        let pass = ks.iter().filter(|k| enough(**k)).map(|k| {
            let sum: f64 = counts
                .values()
                .map(|(all, passed)| pass_at(*k, *all, *passed))
                .sum();
            (format!("pass@{k}"), sum / share_of(counts.len()))
        });
        let share = |test: fn(&Judged) -> bool| {
            share_of(judged.iter().filter(|one| test(one)).count()) / share_of(judged.len().max(1))
        };
        Self {
            tasks: tasks.len(),
            samples: judged.len(),
            parses: share(|one| one.parses),
            validates: share(|one| one.validates),
            pass: pass.collect(),
            verdicts,
        }
    }

    /// A report for people, in Markdown.
    pub fn markdown(&self, model: &str) -> String {
        let mut text = format!("# {model}\n\n| tasks | answers | parses | validates |");
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        for k in self.pass.keys() {
            let _ = write!(text, " {k} |");
        }
        let _ = write!(
            text,
            "\n|--:|--:|--:|--:|{}",
            "--:|".repeat(self.pass.len())
        );
        let _ = write!(
            text,
            "\n| {} | {} | {} | {} |",
            self.tasks,
            self.samples,
            percent(self.parses),
            percent(self.validates)
        );
        for share in self.pass.values() {
            let _ = write!(text, " {} |", percent(*share));
        }
        text.push_str("\n\n| verdict | answers |\n|---|--:|\n");
        for (verdict, count) in &self.verdicts {
            let _ = writeln!(text, "| {verdict} | {count} |");
        }
        text
    }
}

/// The chance that one of `k` answers passes, drawn from `all` of which `passed` do: 1 − C(all − passed, k) / C(all, k).
pub fn pass_at(k: usize, all: usize, passed: usize) -> f64 {
    if all == 0 || passed == 0 {
        return 0.0;
    }
    let failed = all - passed;
    if failed < k {
        return 1.0;
    }
    let missed = (failed + 1..=all).map(|n| 1.0 - share_of(k) / share_of(n));
    1.0 - missed.product::<f64>()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of answers are far below 2^52"
)]
fn share_of(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pass_at_k_is_the_unbiased_estimate() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(pass_at(1, 10, 3), 0.3);
        // 1 - C(7, 2) / C(10, 2)
        near(pass_at(2, 10, 3), 1.0 - 21.0 / 45.0);
        near(pass_at(10, 10, 1), 1.0);
        near(pass_at(5, 10, 0), 0.0);
        near(pass_at(1, 0, 0), 0.0);
    }
}
