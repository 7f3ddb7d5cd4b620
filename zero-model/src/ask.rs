//! The loop: ask a model, try what it answers, tell it what is wrong, a bounded number of times.

use std::thread;

use crate::judge::{Judge, Judgement, Verdict};
use crate::model::{Completion, Message, Model, ModelError, Sampling};
use crate::prompt;
use crate::task::Task;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AskOptions {
    /// Rounds of asking; in each but the first the model has read what was wrong with the best answer before.
    pub rounds: usize,
    /// Answers that are asked for at once in each round.
    pub candidates: usize,
    /// Whether answers are begun with the header of the function ([`prompt::header`]), where the model goes on with it.
    pub header: bool,
    /// How the first candidate is sampled; the others have seeds of their own.
    pub sampling: Sampling,
}

impl Default for AskOptions {
    fn default() -> Self {
        Self {
            rounds: 4,
            candidates: 1,
            header: false,
            sampling: Sampling::default(),
        }
    }
}

/// One answer and how it did.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The round, from 1.
    pub round: usize,
    /// The seed.
    pub seed: u64,
    /// What the model said.
    pub completion: Completion,
    /// The module in it.
    pub module: String,
    /// How it did.
    pub judgement: Judgement,
    /// What the model is told about it.
    pub diagnostic: String,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Asked {
    /// All answers, in the order in which they were judged.
    pub attempts: Vec<Attempt>,
    /// The first that passed.
    pub passed: Option<usize>,
}

impl Asked {
    /// The attempt that passed.
    pub fn answer(&self) -> Option<&Attempt> {
        self.attempts.get(self.passed?)
    }

    /// The attempt that came farthest.
    pub fn best(&self) -> Option<&Attempt> {
        self.answer().or_else(|| {
            self.attempts
                .iter()
                .max_by_key(|attempt| attempt.judgement.verdict.rank())
        })
    }
}

/// Asks until an answer passes or the rounds are over. `tell` hears of each attempt as it is judged.
///
/// # Errors
/// When the model gives no answer at all in a round; where some candidates fail, the others count.
pub fn ask(
    model: &dyn Model,
    judge: &Judge,
    task: &Task,
    conversation: Vec<Message>,
    options: &AskOptions,
    tell: &mut dyn FnMut(&Attempt),
) -> Result<Asked, ModelError> {
    let mut asked = Asked {
        attempts: Vec::new(),
        passed: None,
    };
    let mut turns = conversation;
    let header = options.header.then(|| prompt::header(task)).flatten();
    for round in 1..=options.rounds.max(1) {
        let first = asked.attempts.len();
        let begun = prompt::begun(&turns, header.as_deref());
        let answers = match candidates(model, &begun, options, round) {
            // A conversation that has grown too long for the model ends here; what it said before counts.
            Err(error) if round > 1 && error.is_of_this_answer() => break,
            answers => answers?,
        };
        for (seed, completion) in answers {
            let attempt = attempt(judge, task, round, seed, completion, &asked.attempts);
            tell(&attempt);
            let passed = attempt.judgement.verdict.passed();
            asked.attempts.push(attempt);
            if passed && asked.passed.is_none() {
                asked.passed = Some(asked.attempts.len() - 1);
            }
        }
        if asked.passed.is_some() {
            break;
        }
        let this_round = asked.attempts.get(first..).unwrap_or_default();
        // The first of the best: later ones win ties in `max_by_key`.
        let best = this_round
            .iter()
            .rev()
            .max_by_key(|attempt| attempt.judgement.verdict.rank());
        if let Some(best) = best {
            turns.extend(prompt::correction(&best.completion.text, &best.diagnostic));
        }
    }
    Ok(asked)
}

/// The answers of one round, asked for at the same time.
fn candidates(
    model: &dyn Model,
    turns: &[Message],
    options: &AskOptions,
    round: usize,
) -> Result<Vec<(u64, Completion)>, ModelError> {
    let count = options.candidates.max(1);
    let step = u64::try_from((round - 1) * count).unwrap_or(u64::MAX);
    let sampling = |candidate: usize| Sampling {
        seed: options
            .sampling
            .seed
            .wrapping_add(step)
            .wrapping_add(u64::try_from(candidate).unwrap_or(u64::MAX)),
        ..options.sampling
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (1..count)
            .map(|candidate| scope.spawn(move || model.complete(turns, &sampling(candidate))))
            .collect();
        let first = model.complete(turns, &sampling(0));
        let rest = threads.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(first).chain(rest).collect()
    });
    let mut good = Vec::new();
    let mut failure = None;
    for (candidate, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(completion) => good.push((sampling(candidate).seed, completion)),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        Some(error) if good.is_empty() => Err(error),
        _ => Ok(good),
    }
}

fn attempt(
    judge: &Judge,
    task: &Task,
    round: usize,
    seed: u64,
    completion: Completion,
    before: &[Attempt],
) -> Attempt {
    let module = prompt::module_in(&completion.text).to_owned();
    let known = before.iter().find(|attempt| attempt.module == module);
    let judgement = known.map_or_else(|| judge.judge(task, &module), |same| same.judgement.clone());
    let mut diagnostic = judgement.verdict.diagnostic(task);
    if completion.cut && matches!(judgement.verdict, Verdict::Unparsed { .. }) {
        diagnostic = format!("the answer was cut at the limit of tokens; {diagnostic}");
    } else if known.is_some() && !judgement.verdict.passed() {
        diagnostic = format!("this is the same module as before; {diagnostic}");
    }
    Attempt {
        round,
        seed,
        completion,
        module,
        judgement,
        diagnostic,
    }
}
