//! Answers are judged by running them, and none can do more than fail.

use zero_model::eval::{self, Sample, Summary};
use zero_model::judge::{Judge, Verdict};
use zero_model::task::{Task, WAT_EVAL};

fn task() -> Task {
    let text = r#"{"id":"add","tier":"scalar","prompt":"Add a and b.","signature":{"name":"add","params":["i32","i32"],"result":"i32"},
        "examples":[{"args":[1,2],"result":3}],"tests":[{"args":[-1,1],"result":0},{"args":[2147483647,1],"result":-2147483648}]}"#
        .replace('\n', "");
    Task::parse_set(&text)
        .expect("the task is well-formed")
        .remove(0)
}

fn verdict(answer: &str) -> Verdict {
    Judge::new([7; 40]).judge(&task(), answer)
}

const RIGHT: &str =
    "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))";

#[test]
fn every_kind_of_answer_has_its_verdict() {
    assert_eq!(verdict(RIGHT), Verdict::Passed);
    let class = |answer: &str| verdict(answer).class();
    assert_eq!(class("Sure! Here is your function."), "unparsed");
    assert_eq!(class(&RIGHT.replace("local.get 0 ", "")), "invalid");
    assert_eq!(class(&RIGHT.replace("\"add\"", "\"sum\"")), "signature");
    assert_eq!(
        class("(module (func (export \"add\") (param i32) (result i32) local.get 0))"),
        "signature"
    );
    assert_eq!(class(&RIGHT.replace("i32.add", "i32.sub")), "wrong");
    assert_eq!(class(&RIGHT.replace("i32.add", "unreachable")), "trapped");
}

#[test]
fn a_diagnostic_shows_the_call_and_both_values() {
    let wrong = verdict(&RIGHT.replace("i32.add", "i32.mul"));
    assert_eq!(
        wrong.diagnostic(&task()),
        "add(1, 2) returned 2, expected 3"
    );
}

#[test]
fn hostile_answers_fail_and_harm_nobody() {
    let hostile = [
        ("limit", RIGHT.replace("local.get 0 local.get 1 i32.add", "loop br 0 end unreachable")),
        ("limit", "(module (memory 65536) (func (export \"add\") (param i32 i32) (result i32) i32.const 3))".to_owned()),
        ("limit", "(module (func $start loop br 0 end) (start $start) (func (export \"add\") (param i32 i32) (result i32) i32.const 3))".to_owned()),
        ("limit", "(module (func $f (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 call $f))".to_owned()),
        ("imports", "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func (param i32 i32 i32 i32) (result i32))))".to_owned()),
        ("imports", "(module (import \"env\" \"memory\" (memory 1)))".to_owned()),
        ("unparsed", "x".repeat(100 << 20)),
        ("unparsed", "(".repeat(100_000)),
        ("invalid", "(component)".to_owned()),
    ];
    let task = task();
    let sample = |answer: &str| Sample {
        task: "add".to_owned(),
        answer: answer.to_owned(),
    };
    // Good answers between the others: each gets the verdict that it would get alone.
    let samples = hostile
        .iter()
        .flat_map(|(_, answer)| [sample(answer), sample(RIGHT)])
        .collect();
    let judged = eval::judge(
        &Judge::new([7; 40]),
        std::slice::from_ref(&task),
        samples,
        2,
    )
    .expect("the task is there");
    for (pair, (class, _)) in judged.chunks(2).zip(&hostile) {
        assert_eq!(pair[0].verdict, *class, "{}", pair[0].diagnostic);
        assert_eq!(pair[1].verdict, "passed");
    }
}

#[test]
fn a_growing_memory_ends_at_its_cap() {
    let bomb = RIGHT.replace(
        "local.get 0 local.get 1 i32.add",
        "loop i32.const 100 memory.grow drop br 0 end unreachable",
    );
    assert_eq!(
        verdict(&bomb.replace("(module", "(module (memory 1)")).class(),
        "limit"
    );
}

#[test]
fn the_references_of_wat_eval_pass_and_are_of_the_subset() {
    let tasks = Task::parse_set(WAT_EVAL).expect("the set is well-formed");
    assert!(tasks.len() > 100 && tasks.iter().all(|task| task.tests.len() >= 64));
    for task in &tasks {
        let reference = task.reference.as_deref().expect("every task has one");
        zero_model::decode::Checker::check(reference, zero_model::decode::Options::default())
            .unwrap_or_else(|error| panic!("{}: {error}", task.id));
    }
    let judged = eval::judge(&Judge::new([7; 40]), &tasks, eval::references(&tasks), 2)
        .expect("the tasks are there");
    for one in &judged {
        assert_eq!(one.verdict, "passed", "{}: {}", one.task, one.diagnostic);
    }
    let summary = Summary::of(&tasks, &judged, &[1, 10]);
    assert!((summary.pass["pass@1"] - 1.0).abs() < f64::EPSILON);
    assert!(
        !summary.pass.contains_key("pass@10"),
        "one answer each is not enough for ten"
    );
}
