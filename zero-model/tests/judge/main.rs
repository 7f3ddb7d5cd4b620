//! Answers are judged by running them, and none can do more than fail.

use zero_model::eval::{self, Sample, Summary};
use zero_model::judge::{Judge, Verdict};
use zero_model::sandbox::Sandbox;
use zero_model::task::{Task, Tier, Value, WAT_EVAL};

fn task() -> Task {
    let text = r#"{"id":"add","tier":"scalar","prompt":"Add a and b.","signature":{"name":"add","params":["i32","i32"],"result":"i32"},
        "examples":[{"args":[1,2],"result":3}],"tests":[{"args":[-1,1],"result":0},{"args":[2147483647,1],"result":-2147483648}]}"#
        .replace('\n', "");
    Task::parse_set(&text)
        .expect("the task is well-formed")
        .remove(0)
}

fn verdict(answer: &str) -> Verdict {
    Judge::default().judge(&task(), answer).verdict
}

const RIGHT: &str =
    "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))";

#[test]
fn every_kind_of_answer_has_its_verdict() {
    assert_eq!(verdict(RIGHT), Verdict::Passed);
    let class = |answer: &str| verdict(answer).class();
    assert_eq!(class("Sure! Here is your function."), "unparsed");
    assert_eq!(
        class(
            "(module (func $f (result i32) i32.const 0) (func (export \"add\") (param v128 i32) (result i32) i32.const 0))"
        ),
        "invalid"
    );
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
fn what_came_after_2_0_is_invalid() {
    let with = |more: &str| RIGHT.replace("(module", &format!("(module {more}"));
    let tail = RIGHT
        .replace("(func", "(func $f")
        .replace("i32.add", "return_call $f");
    for (feature, answer) in [
        ("tail calls", tail),
        ("several memories", with("(memory 1) (memory 1)")),
        (
            "constants that are computed",
            with("(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
        ),
    ] {
        assert_eq!(verdict(&answer).class(), "invalid", "{feature}");
    }
    // Of 2.0: bulk memory, several results, saturating conversions, signs, references.
    let within = with(
        "(memory 1) (table 1 externref) (func (param f64) (result i32 i32)\n\
         (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))\n\
         (i32.trunc_sat_f64_s (local.get 0)) (i32.extend8_s (i32.const 1)))",
    );
    assert_eq!(verdict(&within), Verdict::Passed);
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
        ..Sample::default()
    };
    // Good answers between the others: each gets the verdict that it would get alone.
    let samples = hostile
        .iter()
        .flat_map(|(_, answer)| [sample(answer), sample(RIGHT)])
        .collect();
    let judged = eval::judge(&Judge::default(), std::slice::from_ref(&task), samples, 2)
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
    assert!(tasks.len() >= 200 && tasks.iter().all(|task| task.tests.len() >= 64));
    for tier in [Tier::Scalar, Tier::Memory, Tier::Alloc] {
        let of_tier = tasks.iter().filter(|task| task.tier == tier).count();
        assert!(of_tier >= 40, "{tier:?}: {of_tier}");
    }
    for task in &tasks {
        let reference = task.reference.as_deref().expect("every task has one");
        zero_model::decode::Checker::check(reference, zero_model::decode::Options::default())
            .unwrap_or_else(|error| panic!("{}: {error}", task.id));
    }
    let judged = eval::judge(&Judge::default(), &tasks, eval::references(&tasks), 2)
        .expect("the tasks are there");
    for one in &judged {
        assert_eq!(
            one.verdict, "passed",
            "{}: {}",
            one.sample.task, one.diagnostic
        );
    }
    let summary = Summary::of(&tasks, &judged, &[1, 10]);
    assert!((summary.pass["pass@1"] - 1.0).abs() < f64::EPSILON);
    assert!(
        !summary.pass.contains_key("pass@10"),
        "one answer each is not enough for ten"
    );
}

const UPPER: &str = r#"{"id":"upper","tier":"memory","prompt":"x","signature":{"name":"upper","params":["i32","i32"],"result":"i32"},"tests":[{"args":[{"text":"ab"},2],"result":2,"after":[{"text":"AB"}]}]}"#;

/// Clears bit 5 of as many bytes as it is told, plus `more`.
fn upper(more: u32, memory: &str) -> String {
    format!(
        "(module {memory} (func (export \"upper\") (param i32 i32) (result i32) (local i32)\nloop\nlocal.get 0\nlocal.get 2\ni32.add\n\
         local.get 0\nlocal.get 2\ni32.add\ni32.load8_u\ni32.const 223\ni32.and\ni32.store8\nlocal.get 2\ni32.const 1\ni32.add\nlocal.tee 2\n\
         local.get 1\ni32.const {more}\ni32.add\ni32.lt_u\nbr_if 0\nend\nlocal.get 1))"
    )
}

#[test]
fn buffers_are_compared_and_nothing_around_them_may_change() {
    let task = Task::parse_set(UPPER)
        .expect("the task is well-formed")
        .remove(0);
    let judged = |answer: &str| Judge::default().judge(&task, answer).verdict;
    let memory = "(memory (export \"memory\") 1)";
    assert_eq!(judged(&upper(0, memory)), Verdict::Passed);
    let says = |answer: &str, part: &str| {
        let diagnostic = judged(answer).diagnostic(&task);
        assert!(diagnostic.contains(part), "{part}: {diagnostic}");
    };
    says(&upper(1, memory), "wrote outside the buffers");
    says(
        &upper(0, memory).replace("i32.const 223", "i32.const 255"),
        "left \"ab\" in buffer 1, expected \"AB\"",
    );
    says(&upper(0, "(memory 1)"), "does not export its memory");
    says(
        &upper(0, "(memory (export \"memory\") 1 1)"),
        "cannot grow by 1 page",
    );
}

#[test]
fn a_result_in_memory_is_its_length_and_its_bytes() {
    let text = r#"{"id":"ab","tier":"alloc","prompt":"x","signature":{"name":"ab","params":[],"result":"i32"},"tests":[{"args":[],"result":{"text":"ab"}}]}"#;
    let task = Task::parse_set(text)
        .expect("the task is well-formed")
        .remove(0);
    let answer = |data: &str, address: i32| {
        let wat = format!(
            "(module (memory (export \"memory\") 1) (data (i32.const 8) \"{data}\") (func (export \"ab\") (result i32) i32.const {address}))"
        );
        Judge::default()
            .judge(&task, &wat)
            .verdict
            .diagnostic(&task)
    };
    assert_eq!(answer("\\02\\00\\00\\00ab", 8), "");
    assert!(
        answer("\\03\\00\\00\\00abc", 8).contains("returned a block with \"abc\", expected \"ab\"")
    );
    assert!(answer("\\ff\\ff\\ff\\ffab", 8).contains("a block of 4294967295 bytes"));
    assert!(answer("ab", -1).contains("no address of a block"));
}

#[test]
fn what_an_invalid_module_does_wrong_is_shown_in_its_own_text() {
    let answer = RIGHT.replace("local.get 1 ", "\n  local.get 1\n  i64.extend_i32_u\n  ");
    let reason = verdict(&answer).diagnostic(&task());
    assert!(
        reason.starts_with("line 4, column 3: type mismatch: expected i32, found i64"),
        "{reason}"
    );
    assert!(reason.ends_with("| i32.add))"), "{reason}");
}

#[test]
fn the_interpreter_and_the_runtime_of_packages_agree() {
    let tasks = Task::parse_set(WAT_EVAL).expect("the set is well-formed");
    let sandbox = Sandbox::new([7; 40]);
    for task in tasks
        .iter()
        .filter(|task| task.tier == Tier::Scalar)
        .step_by(9)
    {
        let wasm = zero_model::judge::parse(task.reference.as_deref().expect("every task has one"))
            .expect("it parses");
        let call = &task.tests[task.tests.len() / 2];
        let args: Vec<_> = call
            .args
            .iter()
            .cloned()
            .map(serde_json::Value::from)
            .collect();
        let called = sandbox
            .call(&wasm, &task.signature.name, &args)
            .expect("it returns");
        let expected = call.result.as_ref().and_then(|value| match value {
            Value::Number(json) => Some(json),
            Value::Buffer(_) => None,
        });
        assert!(
            called.returned(expected.expect("it is a number")),
            "{}",
            task.id
        );
    }
}
