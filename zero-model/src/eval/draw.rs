//! Asking a model for the answers that an evaluation needs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use super::{Kind, Sample};
use crate::judge::Judge;
use crate::model::{Completion, Message, Model, ModelError, Sampling};
use crate::prompt::{self, Language};
use crate::task::Task;

/// How many answers are asked for, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawOptions {
    /// Answers to each task that are drawn at random; those of one task have seeds of their own.
    pub samples: usize,
    /// Whether answers are begun with the header of the function ([`prompt::header`]), where the model goes on with it.
    pub header: bool,
    /// Whether a greedy answer that is wrong gets a second chance, with what was wrong about it.
    pub repair: bool,
    /// How the answers at random are sampled. The greedy one has temperature 0, and the same limit of tokens.
    pub sampling: Sampling,
    /// Requests at the same time.
    pub parallel: usize,
    /// What the model is to answer in; the judge has to know it as well.
    pub language: Language,
}

/// Why an evaluation has not all of its answers.
#[derive(Debug, thiserror::Error)]
pub enum DrawError<E> {
    /// The model gives none any more.
    #[error("ask the model")]
    Model(#[source] ModelError),
    /// An answer cannot be kept.
    #[error("keep an answer")]
    Keep(#[source] E),
}

/// One answer that is still to be asked for.
#[derive(Clone, Copy)]
struct Wish<'t> {
    task: &'t Task,
    kind: Kind,
    seed: u64,
}

/// Asks for what `have` does not hold yet: for each task the greedy answer, its repair, and the answers at random. `keep`
/// gets each answer as it arrives, in any order; what it returns as an error ends the asking.
///
/// An answer that the model cannot give, as it is too long for it, is kept as a missing one.
///
/// # Errors
/// When the model cannot be asked any more, or an answer cannot be kept. What was kept until then is good.
pub fn draw<E>(
    model: &dyn Model,
    judge: &Judge,
    tasks: &[Task],
    options: &DrawOptions,
    have: &[Sample],
    mut keep: impl FnMut(Sample) -> Result<(), E>,
) -> Result<(), DrawError<E>> {
    let wishes = Mutex::new(wishes(tasks, options, have));
    let stop = AtomicBool::new(false);
    let (sender, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..options.parallel.max(1) {
            let (sender, wishes, stop) = (sender.clone(), &wishes, &stop);
            scope.spawn(move || {
                let next = || {
                    let mut wishes = wishes.lock().unwrap_or_else(PoisonError::into_inner);
                    wishes.pop_front().filter(|_| !stop.load(Ordering::Relaxed))
                };
                while let Some((wish, before)) = next() {
                    if !answer(model, judge, options, wish, before, &sender) {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut result = Ok(());
        for answer in answers {
            // What is under way when something fails is still kept: it was paid for.
            let kept = match answer {
                Ok(sample) => keep(sample).map_err(DrawError::Keep),
                Err(error) => Err(DrawError::Model(error)),
            };
            if kept.is_err() {
                stop.store(true, Ordering::Relaxed);
                result = result.and(kept);
            }
        }
        result
    })
}

/// What is missing, with the greedy answer where only its repair is.
fn wishes<'t>(
    tasks: &'t [Task],
    options: &DrawOptions,
    have: &[Sample],
) -> VecDeque<(Wish<'t>, Option<Sample>)> {
    let mut known: BTreeMap<(&str, Kind, u64), &Sample> = BTreeMap::new();
    for sample in have {
        known.insert(
            (&sample.task, sample.kind, sample.seed.unwrap_or(0)),
            sample,
        );
    }
    let seed = options.sampling.seed;
    let mut wishes = VecDeque::new();
    for task in tasks {
        let id = task.id.as_str();
        let wish = |kind, seed| Wish { task, kind, seed };
        match known.get(&(id, Kind::Greedy, seed)) {
            None => wishes.push_back((wish(Kind::Greedy, seed), None)),
            Some(greedy) if options.repair && !known.contains_key(&(id, Kind::Repair, seed)) => {
                wishes.push_back((wish(Kind::Repair, seed), Some((*greedy).clone())));
            }
            Some(_) => {}
        }
        for seed in (0..options.samples).map(|at| nth(seed, at)) {
            if !known.contains_key(&(id, Kind::Sampled, seed)) {
                wishes.push_back((wish(Kind::Sampled, seed), None));
            }
        }
    }
    wishes
}

fn nth(seed: u64, at: usize) -> u64 {
    seed.wrapping_add(u64::try_from(at).unwrap_or(u64::MAX))
}

/// Asks for one answer, and for its repair where that is wanted; false if nobody is to go on.
fn answer(
    model: &dyn Model,
    judge: &Judge,
    options: &DrawOptions,
    wish: Wish<'_>,
    before: Option<Sample>,
    sender: &mpsc::Sender<Result<Sample, ModelError>>,
) -> bool {
    let turns = options.language.conversation(wish.task);
    let send = |answer: Result<Sample, ModelError>| {
        let good = answer.is_ok();
        sender.send(answer).is_ok() && good
    };
    let first = match before {
        Some(greedy) => greedy,
        None => match ask(model, options, &turns, wish) {
            Ok(sample) => {
                if !send(Ok(sample.clone())) {
                    return false;
                }
                sample
            }
            Err(error) => return send(Err(error)),
        },
    };
    if !options.repair || first.kind != Kind::Greedy || first.missing.is_some() {
        return true;
    }
    let verdict = judge.judge(wish.task, &first.answer).verdict;
    if verdict.passed() {
        return true;
    }
    let mut turns = turns;
    turns.extend(
        options
            .language
            .correction(&first.answer, &verdict.diagnostic(wish.task)),
    );
    let repair = Wish {
        kind: Kind::Repair,
        ..wish
    };
    send(ask(model, options, &turns, repair))
}

fn ask(
    model: &dyn Model,
    options: &DrawOptions,
    turns: &[Message],
    wish: Wish<'_>,
) -> Result<Sample, ModelError> {
    let sampling = match wish.kind {
        Kind::Sampled => options.sampling,
        Kind::Greedy | Kind::Repair => Sampling {
            temperature: 0.0,
            top_p: 1.0,
            ..options.sampling
        },
    };
    let sampling = Sampling {
        seed: wish.seed,
        ..sampling
    };
    let header = options.header.then(|| prompt::header(wish.task)).flatten();
    let turns = prompt::begun(turns, header.as_deref());
    let (completion, missing) = match model.complete(&turns, &sampling) {
        Ok(completion) => {
            let missing = completion
                .cut
                .then(|| "cut at the limit of tokens".to_owned());
            (completion, missing)
        }
        Err(error) if error.is_of_this_answer() => (Completion::default(), Some(error.to_string())),
        Err(error) => return Err(error),
    };
    Ok(Sample {
        task: wish.task.id.clone(),
        answer: options.language.code_in(&completion.text).to_owned(),
        kind: wish.kind,
        seed: Some(wish.seed),
        prompt_tokens: completion.prompt_tokens,
        completion_tokens: completion.completion_tokens,
        missing,
    })
}
