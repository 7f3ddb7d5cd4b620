//! A model in a file answers, and no file takes the process down.

mod adapter;
mod damage;
mod tiny;

use std::path::Path;

use tempfile::TempDir;
use zero_model::backend::{Gguf, GgufError, GgufOptions};
use zero_model::model::{Completion, Message, Model as _, ModelError, Role, Sampling};

use tiny::Value;

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room")
}

fn options(path: &Path) -> GgufOptions {
    GgufOptions {
        threads: 1,
        ..GgufOptions::new(path)
    }
}

/// A model with everything that it brings.
fn open(folder: &Path) -> Gguf {
    let path = tiny::model(1).write(folder, "tiny.gguf");
    Gguf::open(&options(&path)).expect("it is a model")
}

fn conversation(text: &str) -> Vec<Message> {
    let message = |role, text: &str| Message {
        role,
        text: text.to_owned(),
    };
    vec![
        message(Role::System, "Write WebAssembly."),
        message(Role::User, text),
    ]
}

fn sampling(temperature: f32, seed: u64, max_tokens: u32) -> Sampling {
    Sampling {
        temperature,
        seed,
        max_tokens,
        ..Sampling::default()
    }
}

fn answer(gguf: &Gguf, temperature: f32, seed: u64, max_tokens: u32) -> Completion {
    let sampling = sampling(temperature, seed, max_tokens);
    gguf.complete(&conversation("Add two numbers."), &sampling)
        .expect("it answers")
}

fn refusal(result: Result<Gguf, ModelError>) -> GgufError {
    match result {
        Err(ModelError::File { source, .. }) => source,
        other => panic!("it is not refused: {other:?}"),
    }
}

fn is_valid(text: &str) -> Result<(), String> {
    let wasm = wat::parse_str(text).map_err(|error| error.to_string())?;
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::default())
        .validate_all(&wasm)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn finished_answers_are_valid_modules() {
    let folder = folder();
    let gguf = open(folder.path());
    let mut finished = 0;
    let mut different = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let answer = answer(&gguf, 1.0, seed, 256);
        if answer.cut {
            continue;
        }
        assert_eq!(is_valid(&answer.text), Ok(()), "{}", answer.text);
        finished += 1;
        different.insert(answer.text);
    }
    assert!(finished >= 50, "{finished} finished");
    assert!(different.len() >= 25, "{} different ones", different.len());
}

#[test]
fn an_answer_that_has_been_begun_is_gone_on_with() {
    let folder = folder();
    let begun = "(module (func (export \"f\") (param i32 i64)";
    let mut turns = conversation("Add two numbers.");
    turns.push(Message {
        role: Role::Assistant,
        text: begun.to_owned(),
    });
    for file in [tiny::model(1), tiny::byte_level(1)] {
        let path = file.write(folder.path(), "begun.gguf");
        let gguf = Gguf::open(&options(&path)).expect("it is a model");
        let mut finished = 0;
        for seed in 0..100 {
            let answer = gguf
                .complete(&turns, &sampling(1.0, seed, 256))
                .expect("it answers");
            assert!(answer.text.starts_with(begun), "{}", answer.text);
            if !answer.cut {
                finished += 1;
                assert_eq!(is_valid(&answer.text), Ok(()), "{}", answer.text);
            }
        }
        assert!(finished > 0, "none came to an end");
    }
    // What no module begins with is no beginning.
    turns.last_mut().expect("it is there").text = "(module (func) x".to_owned();
    let path = tiny::model(1).write(folder.path(), "begun.gguf");
    let gguf = Gguf::open(&options(&path)).expect("it is a model");
    let refused = gguf.complete(&turns, &sampling(1.0, 1, 8));
    assert!(matches!(
        refused,
        Err(ModelError::File {
            source: GgufError::Stuck(_),
            ..
        })
    ));
}

#[test]
fn the_other_kind_of_vocabulary_is_masked_as_well() {
    let folder = folder();
    let path = tiny::byte_level(1).write(folder.path(), "bytes.gguf");
    let gguf = Gguf::open(&options(&path)).unwrap();
    let answers = (0..60).map(|seed| answer(&gguf, 1.0, seed, 256));
    let finished: Vec<String> = answers.filter(|one| !one.cut).map(|one| one.text).collect();
    for text in &finished {
        assert_eq!(is_valid(text), Ok(()), "{text}");
    }
    assert!(finished.len() >= 10, "{} finished", finished.len());
}

#[test]
fn without_the_mask_it_writes_anything() {
    let folder = folder();
    let path = tiny::model(1).write(folder.path(), "tiny.gguf");
    let free = GgufOptions {
        mask: false,
        ..options(&path)
    };
    let gguf = Gguf::open(&free).unwrap();
    let valid = (0..20).filter(|seed| is_valid(&answer(&gguf, 1.0, *seed, 64).text).is_ok());
    assert_eq!(valid.count(), 0);
}

#[test]
fn a_seed_gives_the_same_answer_whatever_was_asked_before() {
    let folder = folder();
    let gguf = open(folder.path());
    let long = format!("Add these: {}", "1 2 3 4 5 6 7 8 ".repeat(20));
    let asked = |text: &str, seed| {
        let sampling = sampling(1.0, seed, 200);
        gguf.complete(&conversation(text), &sampling).unwrap()
    };
    let first = asked(&long, 7);
    assert_eq!(asked(&long, 7), first);
    assert_ne!(asked(&long, 8), first);
    // Begins in the same way, then goes on differently.
    asked(&long.replace("6 7 8 1", "6 7 9 1"), 7);
    assert_eq!(asked(&long, 7), first);
    drop(asked("Negate it.", 7));
    assert_eq!(asked(&long, 7), first);
    let other = open(folder.path());
    let sampling = sampling(1.0, 7, 200);
    assert_eq!(
        other.complete(&conversation(&long), &sampling).unwrap(),
        first
    );
}

#[test]
fn the_likeliest_answer_needs_no_seed() {
    let folder = folder();
    let gguf = open(folder.path());
    assert_eq!(answer(&gguf, 0.0, 1, 50), answer(&gguf, 0.0, 2, 50));
}

#[test]
fn the_share_of_likely_tokens_narrows_the_choice() {
    let folder = folder();
    let gguf = open(folder.path());
    let greedy = answer(&gguf, 0.0, 0, 60);
    let narrow = Sampling {
        top_p: 0.01,
        ..sampling(1.0, 5, 60)
    };
    let narrow = gguf
        .complete(&conversation("Add two numbers."), &narrow)
        .unwrap();
    assert_eq!(narrow, greedy);
    assert_ne!(answer(&gguf, 1.0, 5, 60), greedy);
}

#[test]
fn tokens_are_counted_and_limited() {
    let folder = folder();
    let answer = answer(&open(folder.path()), 1.0, 1, 3);
    assert!(answer.cut);
    assert_eq!(answer.completion_tokens, Some(3));
    // Every byte of it is a token, or a part of a longer one.
    assert!(answer.prompt_tokens.is_some_and(|n| (20..100).contains(&n)));
}

#[test]
fn the_template_of_the_model_is_used() {
    let folder = folder();
    let template =
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}";
    let path = tiny::model(1)
        .set("tokenizer.chat_template", Value::Text(template.to_owned()))
        .write(folder.path(), "chat.gguf");
    let tokens = |template| {
        let options = GgufOptions {
            template,
            ..options(&path)
        };
        let gguf = Gguf::open(&options).unwrap();
        answer(&gguf, 0.0, 0, 1).prompt_tokens.unwrap()
    };
    // "Add two numbers.", in which a blank is three bytes, and the token that begins a text.
    assert!((15..=21).contains(&tokens(true)), "{}", tokens(true));
    assert!(tokens(false) > tokens(true) + 20);
}

#[test]
fn a_conversation_longer_than_the_context_is_refused_and_others_are_not() {
    let folder = folder();
    let gguf = open(folder.path());
    let long = conversation(&"x".repeat(2000));
    let error = gguf.complete(&long, &sampling(0.0, 0, 5)).unwrap_err();
    assert!(error.is_of_this_answer());
    assert!(error.hint().is_some_and(|hint| hint.contains("--context")));
    let ModelError::File { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(source, GgufError::Context { tokens, limit: 1024 } if *tokens > 2000),
        "{source:?}"
    );
    assert!(answer(&gguf, 0.0, 0, 5).cut);

    let path = tiny::model(1).write(folder.path(), "short.gguf");
    let short = GgufOptions {
        context: 80,
        ..options(&path)
    };
    let gguf = Gguf::open(&short).unwrap();
    let answer = answer(&gguf, 1.0, 1, 500);
    assert!(answer.prompt_tokens.unwrap() + answer.completion_tokens.unwrap() <= 80);
}

#[test]
fn several_threads_may_ask() {
    let folder = folder();
    let gguf = open(folder.path());
    let alone = answer(&gguf, 1.0, 3, 40);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(answer(&gguf, 1.0, 3, 40), alone));
        }
    });
}

/// llama.cpp says a lot while it loads; nothing of it reaches a terminal.
#[test]
fn llama_cpp_is_silent() {
    let tests = std::env::current_exe().unwrap();
    let output = std::process::Command::new(tests)
        .args([
            "--nocapture",
            "--exact",
            "tokens_are_counted_and_limited",
            "damage::a_shape_that_does_not_follow_is_refused",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
