//! Figures over judged answers (spec/eval.md, "Figures").

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Judged, Kind, figure};
use crate::judge;
use crate::task::{Task, Tier};

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Tasks in the set.
    pub tasks: usize,
    /// Answers that were tried, without repairs.
    pub samples: usize,
    /// The share of answers that parse.
    pub parses: f64,
    /// The share of answers that are valid modules.
    pub validates: f64,
    /// `pass@k`, without bias, for every k that was asked for and every task has enough answers for; `greedy`, the share
    /// of tasks whose likeliest answer passes; `repair@1`, the same after one correction at the most.
    #[serde(flatten)]
    pub pass: BTreeMap<String, f64>,
    /// Between which shares each of these lies with 95 % confidence, if the tasks are a sample of all tasks.
    pub intervals: BTreeMap<String, Interval>,
    /// `pass@1` of each tier that has tasks.
    pub tiers: BTreeMap<Tier, f64>,
    /// How many answers ended how.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// Which traps and limits stopped how many answers.
    pub stopped: BTreeMap<String, usize>,
    /// Instructions of answers that passed, as a multiple of those of the references: the geometric mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<f64>,
    /// Tokens of all answers, where the model counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Tokens of all conversations before answers, where the model counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
}

/// Two shares between which a third one lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "[f64; 2]")]
pub struct Interval {
    /// The lower one.
    pub low: f64,
    /// The higher one.
    pub high: f64,
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}

/// The answers to one task, by kind.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    sampled: (usize, usize),
    greedy: (usize, usize),
    /// Passed at once or after one correction.
    repaired: bool,
    corrected: bool,
}

impl Counts {
    fn add(&mut self, answer: &Judged) {
        let passed = usize::from(answer.passed);
        let (all, good) = match answer.sample.kind {
            Kind::Sampled => &mut self.sampled,
            Kind::Greedy => &mut self.greedy,
            Kind::Repair => {
                self.corrected = true;
                self.repaired |= answer.passed;
                return;
            }
        };
        *all += 1;
        *good += passed;
    }

    /// The answers that `pass@k` is estimated from: those drawn at random, and where there are none the likeliest ones.
    fn drawn(&self, sampled: bool) -> (usize, usize) {
        if sampled { self.sampled } else { self.greedy }
    }
}

impl Summary {
    /// Counts. A task without an answer is a task that was not passed.
    pub fn of(tasks: &[Task], judged: &[Judged], ks: &[usize]) -> Self {
        let mut counts: BTreeMap<&str, (Tier, Counts)> = tasks
            .iter()
            .map(|task| (task.id.as_str(), (task.tier, Counts::default())))
            .collect();
        for answer in judged {
            if let Some((_, counts)) = counts.get_mut(answer.sample.task.as_str()) {
                counts.add(answer);
            }
        }
        let counts: Vec<(Tier, Counts)> = counts.into_values().collect();
        let first: Vec<&Judged> = judged
            .iter()
            .filter(|one| one.sample.kind != Kind::Repair)
            .collect();
        let pass = passes(&counts, ks);
        let share = |test: fn(&Judged) -> bool| {
            share_of(first.iter().filter(|one| test(one)).count()) / share_of(first.len().max(1))
        };
        let mut verdicts = BTreeMap::new();
        let mut stopped = BTreeMap::new();
        for one in &first {
            *verdicts.entry(one.verdict).or_default() += 1;
            if let Some(reason) = &one.stopped {
                *stopped.entry(reason.clone()).or_default() += 1;
            }
        }
        let total = |count: fn(&Judged) -> Option<u64>| judged.iter().map(count).sum();
        Self {
            tasks: tasks.len(),
            samples: first.len(),
            parses: share(|one| one.parses),
            validates: share(|one| one.validates),
            intervals: pass
                .iter()
                .map(|(name, share)| (name.clone(), interval(*share, tasks.len())))
                .collect(),
            tiers: tiers(&counts),
            pass,
            verdicts,
            stopped,
            instructions: instructions(tasks, &first),
            completion_tokens: total(|one| one.sample.completion_tokens),
            prompt_tokens: total(|one| one.sample.prompt_tokens),
        }
    }

    /// A report for people, in Markdown.
    pub fn markdown(&self, model: &str) -> String {
        let mut text = format!("# {model}\n\n| tasks | answers | parses | validates |");
        for name in self.pass.keys() {
            let _ = write!(text, " {name} |");
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
        text.push('\n');
        for (name, Interval { low, high }) in &self.intervals {
            let (low, high) = (percent(*low), percent(*high));
            let _ = write!(text, "\n{name}: between {low} and {high} (95 %)");
        }
        text.push_str("\n\n| tier | pass@1 |\n|---|--:|\n");
        for (tier, share) in &self.tiers {
            let _ = writeln!(text, "| {} | {} |", tier.name(), percent(*share));
        }
        text.push_str("\n| verdict | answers |\n|---|--:|\n");
        for (verdict, count) in &self.verdicts {
            let _ = writeln!(text, "| {verdict} | {count} |");
        }
        if !self.stopped.is_empty() {
            text.push_str("\n| stopped by | answers |\n|---|--:|\n");
            for (reason, count) in &self.stopped {
                let _ = writeln!(text, "| {reason} | {count} |");
            }
        }
        if let Some(ratio) = self.instructions {
            let _ = writeln!(
                text,
                "\nAnswers that passed have {ratio:.2} times the instructions of the references."
            );
        }
        if let Some(tokens) = self.completion_tokens {
            let _ = writeln!(text, "\nThe answers have {tokens} tokens.");
        }
        text
    }

    /// The shares as a picture.
    pub fn svg(&self, model: &str) -> String {
        let mut bars = vec![
            ("parses", self.parses, None),
            ("validates", self.validates, None),
        ];
        bars.extend(self.pass.iter().map(|(name, share)| {
            let interval = self.intervals.get(name).copied();
            (name.as_str(), *share, interval)
        }));
        bars.extend(
            self.tiers
                .iter()
                .map(|(tier, share)| (tier.name(), *share, None)),
        );
        figure::bars(model, &bars)
    }
}

fn passes(counts: &[(Tier, Counts)], ks: &[usize]) -> BTreeMap<String, f64> {
    let any = |test: fn(&Counts) -> bool| counts.iter().any(|(_, one)| test(one));
    let mean = |of: &dyn Fn(&Counts) -> f64| {
        counts.iter().map(|(_, one)| of(one)).sum::<f64>() / share_of(counts.len().max(1))
    };
    let sampled = any(|one| one.sampled.0 > 0);
    let enough = |k: usize| k == 1 || counts.iter().all(|(_, one)| one.drawn(sampled).0 >= k);
    let mut pass: BTreeMap<String, f64> = ks
        .iter()
        .filter(|k| enough(**k))
        .map(|k| {
            let one = |one: &Counts| {
                let (all, passed) = one.drawn(sampled);
                pass_at(*k, all, passed)
            };
            (format!("pass@{k}"), mean(&one))
        })
        .collect();
    let greedy = |one: &Counts| f64::from(u8::from(one.greedy.1 > 0));
    let repaired = |one: &Counts| f64::from(u8::from(one.greedy.1 > 0 || one.repaired));
    if any(|one| one.greedy.0 > 0) {
        pass.insert("greedy".to_owned(), mean(&greedy));
    }
    if any(|one| one.corrected) {
        pass.insert("repair@1".to_owned(), mean(&repaired));
    }
    pass
}

fn tiers(counts: &[(Tier, Counts)]) -> BTreeMap<Tier, f64> {
    let sampled = counts.iter().any(|(_, one)| one.sampled.0 > 0);
    let mut sums: BTreeMap<Tier, (f64, usize)> = BTreeMap::new();
    for (tier, one) in counts {
        let (all, passed) = one.drawn(sampled);
        let (sum, count) = sums.entry(*tier).or_default();
        *sum += pass_at(1, all, passed);
        *count += 1;
    }
    sums.into_iter()
        .map(|(tier, (sum, count))| (tier, sum / share_of(count)))
        .collect()
}

/// Answers that passed against the references of their tasks.
fn instructions(tasks: &[Task], judged: &[&Judged]) -> Option<f64> {
    let mut references: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks {
        let wasm = task.reference.as_ref().map(|text| judge::parse(text));
        if let Some(Ok(wasm)) = wasm {
            references.insert(&task.id, judge::instructions(&wasm));
        }
    }
    let ratios: Vec<f64> = judged
        .iter()
        .filter(|one| one.passed)
        .filter_map(|one| {
            let reference = *references.get(one.sample.task.as_str())?;
            Some((share_of(one.instructions?) / share_of(reference.max(1))).ln())
        })
        .collect();
    let mean = ratios.iter().sum::<f64>() / share_of(ratios.len());
    (!ratios.is_empty()).then(|| mean.exp())
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
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

/// Wilson's interval for a share of `count` tasks. For a mean over tasks of which each has several answers it is wider
/// than it needs to be.
fn interval(share: f64, count: usize) -> Interval {
    const Z: f64 = 1.96;
    let n = share_of(count.max(1));
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    Interval {
        low: ((middle - half) / whole).max(0.0),
        high: ((middle + half) / whole).min(1.0),
    }
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

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }

    #[test]
    fn pass_at_k_is_the_unbiased_estimate() {
        near(pass_at(1, 10, 3), 0.3);
        // 1 - C(7, 2) / C(10, 2)
        near(pass_at(2, 10, 3), 1.0 - 21.0 / 45.0);
        near(pass_at(10, 10, 1), 1.0);
        near(pass_at(5, 10, 0), 0.0);
        near(pass_at(1, 0, 0), 0.0);
    }

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662, and 0 of 20 is 0 to 0.1611.
        let Interval { low, high } = interval(81.0 / 263.0, 263);
        near(low, 0.2553);
        near(high, 0.3662);
        let Interval { low, high } = interval(0.0, 20);
        near(low, 0.0);
        near(high, 0.1611);
    }
}
