//! Evaluations with a model that says what the test wants: what is asked for, what is counted, what it is worth.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use zero_model::eval::{self, DrawError, DrawOptions, Kind, Sample, Summary, draw};
use zero_model::judge::Judge;
use zero_model::model::{Completion, Message, Model, ModelError, Sampling};
use zero_model::prompt::Language;
use zero_model::reward::Rewards;
use zero_model::task::Task;

const TASKS: &str = concat!(
    r#"{"id":"add","tier":"scalar","prompt":"Add a and b.","signature":{"name":"add","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":3}],"reference":"(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"}"#,
    "\n",
    r#"{"id":"sub","tier":"scalar","prompt":"Subtract b from a.","signature":{"name":"sub","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":-1}]}"#,
);

fn tasks() -> Vec<Task> {
    Task::parse_set(TASKS).expect("the tasks are well-formed")
}

fn module(name: &str, op: &str) -> String {
    format!(
        "(module (func (export \"{name}\") (param i32 i32) (result i32) local.get 0 local.get 1 {op}))"
    )
}

/// Answers by what it was asked and how; counts how often.
struct Scripted<F>(F, AtomicUsize);

impl<F: Fn(&str, &Sampling) -> Result<String, ModelError> + Sync> Model for Scripted<F> {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn complete(&self, turns: &[Message], sampling: &Sampling) -> Result<Completion, ModelError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let said: Vec<&str> = turns.iter().map(|turn| turn.text.as_str()).collect();
        Ok(Completion {
            text: (self.0)(&said.join("\n"), sampling)?,
            completion_tokens: Some(5),
            ..Completion::default()
        })
    }
}

/// Adds well; subtracts only after a correction, or with an even seed.
fn pupil(said: &str, sampling: &Sampling) -> String {
    let lucky = sampling.temperature > 0.0 && sampling.seed.is_multiple_of(2);
    match said {
        said if said.contains("Add a and b") => module("add", "i32.add"),
        said if said.contains("not right yet") || lucky => module("sub", "i32.sub"),
        _ => module("sub", "i32.add"),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "other models of these tests refuse"
)]
fn willing(said: &str, sampling: &Sampling) -> Result<String, ModelError> {
    Ok(pupil(said, sampling))
}

const OPTIONS: DrawOptions = DrawOptions {
    header: false,
    samples: 4,
    repair: true,
    sampling: Sampling {
        temperature: 0.8,
        top_p: 1.0,
        max_tokens: 100,
        seed: 10,
    },
    parallel: 3,
    language: Language::Wat,
};

/// All that is kept until the model fails or everything is there.
fn drawn<F>(model: &Scripted<F>, have: &[Sample]) -> (Vec<Sample>, Option<String>)
where
    F: Fn(&str, &Sampling) -> Result<String, ModelError> + Sync,
{
    let mut kept = Vec::new();
    let keep = |sample| {
        kept.push(sample);
        Ok::<_, Infallible>(())
    };
    let done = draw(model, &Judge::default(), &tasks(), &OPTIONS, have, keep);
    let failure = done.err().map(|error| match error {
        DrawError::Model(error) => error.to_string(),
        DrawError::Keep(never) => match never {},
    });
    (kept, failure)
}

#[test]
fn greedy_answers_repairs_and_drawn_answers_are_counted_apart() {
    let model = Scripted(willing, AtomicUsize::new(0));
    let (samples, failure) = drawn(&model, &[]);
    assert_eq!(failure, None);
    // Two greedy ones, one repair, and four drawn for each task.
    assert_eq!(samples.len(), 2 + 1 + 8);
    let judged = eval::judge(&Judge::default(), &tasks(), samples, 2).expect("of these tasks");
    let summary = Summary::of(&tasks(), &judged, &[1, 2, 10]);
    let expected: BTreeMap<String, f64> = [
        ("greedy", 0.5),
        ("repair@1", 1.0),
        // 1 for `add`; of four answers to `sub` two are right: 1 - C(2, 2) / C(4, 2) for two.
        ("pass@1", 0.75),
        ("pass@2", f64::midpoint(1.0, 5.0 / 6.0)),
    ]
    .map(|(name, share)| (name.to_owned(), share))
    .into();
    assert_eq!(
        summary.pass.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (name, share) in expected {
        assert!(
            (summary.pass[&name] - share).abs() < 1e-12,
            "{name}: {summary:?}"
        );
        let interval = summary.intervals[&name];
        assert!(interval.low <= share && share <= interval.high);
    }
    assert_eq!(summary.samples, 10, "a repair is no answer of its own");
    assert_eq!(summary.completion_tokens, Some(55));
    assert!((summary.instructions.expect("`add` has a reference") - 1.0).abs() < 1e-12);
    assert!(summary.markdown("m").contains("| scalar | 75.0 % |"));
}

#[test]
fn a_run_that_was_cut_off_asks_only_for_the_rest() {
    let all = Scripted(willing, AtomicUsize::new(0));
    let (mut whole, _) = drawn(&all, &[]);
    let asked = AtomicUsize::new(0);
    let tired = |said: &str, sampling: &Sampling| {
        if asked.fetch_add(1, Ordering::Relaxed) >= 4 {
            return Err(ModelError::Status {
                url: "http://model".to_owned(),
                status: 500,
                wait: None,
                message: String::new(),
            });
        }
        Ok(pupil(said, sampling))
    };
    let (first, failure) = drawn(&Scripted(tired, AtomicUsize::new(0)), &[]);
    assert!(failure.is_some_and(|failure| failure.contains("500")));
    assert_eq!(first.len(), 4);
    let model = Scripted(willing, AtomicUsize::new(0));
    let (rest, failure) = drawn(&model, &first);
    assert_eq!(failure, None);
    assert_eq!(model.1.load(Ordering::Relaxed), whole.len() - first.len());
    let mut both = [first, rest].concat();
    let order = |one: &Sample| (one.task.clone(), one.kind, one.seed);
    both.sort_by_key(order);
    whole.sort_by_key(order);
    assert_eq!(both, whole);
    let (again, _) = drawn(&model, &both);
    assert_eq!(again, []);
}

#[test]
fn an_answer_that_is_too_much_for_the_model_is_a_missing_one() {
    let choosy = |said: &str, sampling: &Sampling| {
        if said.contains("Subtract") {
            return Err(ModelError::Status {
                url: "http://model".to_owned(),
                status: 400,
                wait: None,
                message: "the context is too small".to_owned(),
            });
        }
        Ok(pupil(said, sampling))
    };
    let (samples, failure) = drawn(&Scripted(choosy, AtomicUsize::new(0)), &[]);
    assert_eq!(failure, None);
    let missing: Vec<&Sample> = samples.iter().filter(|one| one.missing.is_some()).collect();
    assert_eq!(missing.len(), 5);
    assert!(
        missing
            .iter()
            .all(|one| one.task == "sub" && one.kind != Kind::Repair)
    );
}

#[test]
fn a_reward_needs_all_tests_and_grows_when_the_answer_shrinks() {
    let rewards = Rewards::new(tasks(), 2);
    let answers = [
        "prose".to_owned(),
        "(module (func (export \"add\") (param i32 i32) (result i32) f32.const 1))".to_owned(),
        "(module)".to_owned(),
        module("add", "i32.sub"),
        module("add", "nop i32.add"),
        module("add", "i32.add"),
    ];
    let samples: Vec<_> = answers
        .iter()
        .map(|answer| serde_json::json!({"task": "add", "answer": answer}))
        .collect();
    let batch = |diagnostics: bool| {
        let batch = serde_json::json!({"samples": samples, "diagnostics": diagnostics});
        let answer = rewards
            .answer(batch.to_string().as_bytes())
            .expect("it is a batch");
        serde_json::from_str::<serde_json::Value>(&answer).expect("an object")["results"].clone()
    };
    let results = batch(false);
    let worth: Vec<f64> = (0..answers.len())
        .map(|at| results[at]["reward"].as_f64().expect("a number"))
        .collect();
    assert!(worth.is_sorted(), "{worth:?}");
    assert!(
        worth[3] <= 0.2 && worth[4] > 0.9 && worth[5] > worth[4],
        "{worth:?}"
    );
    // Hidden tests stay hidden unless the caller asks.
    assert!(!results.to_string().contains("diagnostic"));
    assert!(
        batch(true)[3]["diagnostic"]
            .as_str()
            .is_some_and(|text| text.contains("add(1, 2)"))
    );
}

#[test]
fn what_is_no_batch_is_refused_and_named() {
    let rewards = Rewards::new(tasks(), 1);
    let refused = |text: &str| {
        let error = rewards.answer(text.as_bytes()).expect_err("it is no batch");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    assert!(refused("").contains("EOF"));
    assert!(refused(&"[".repeat(1 << 20)).contains("read the batch"));
    assert!(refused(r#"{"samples":[{"task":"add"}]}"#).contains("answer"));
    assert!(refused(r#"{"samples":[{"task":"mul","answer":""}]}"#).contains("mul"));
}
