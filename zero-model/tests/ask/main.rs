//! Asking a model behind an address: what reaches it, and what becomes of answers that are none.

mod server;

use std::sync::Mutex;
use std::time::Duration;

use server::{HEAD, Reply, Server, event, refusal, streamed};
use zero_model::ask::{AskOptions, Asked, ask};
use zero_model::backend::{Api, Endpoint, EndpointOptions};
use zero_model::judge::Judge;
use zero_model::model::{Message, Model as _, ModelError, Role, Sampling};
use zero_model::prompt;
use zero_model::task::Task;

const RIGHT: &str = "(module (func (export \"add\") (param i32 i32) (result i32)\nlocal.get 0\nlocal.get 1\ni32.add))";

fn task() -> Task {
    let text = r#"{"id":"add","tier":"scalar","prompt":"Add a and b.","signature":{"name":"add","params":["i32","i32"],"result":"i32"},
        "examples":[{"args":[1,2],"result":3}],"tests":[{"args":[-1,1],"result":0}]}"#
        .replace('\n', "");
    Task::parse_set(&text)
        .expect("the task is well-formed")
        .remove(0)
}

fn endpoint(url: &str, change: impl FnOnce(&mut EndpointOptions)) -> Result<Endpoint, ModelError> {
    let mut options = EndpointOptions {
        timeout: Duration::from_secs(20),
        pause: |_| (),
        ..EndpointOptions::new(url)
    };
    change(&mut options);
    Endpoint::open(options)
}

fn hello() -> Vec<Message> {
    vec![Message {
        role: Role::User,
        text: "hello".to_owned(),
    }]
}

/// One request without repetition.
fn once(replies: Vec<Reply>) -> Result<String, ModelError> {
    let server = Server::start(replies);
    let model = endpoint(&server.url, |options| options.retries = 0).expect("the address is one");
    model
        .complete(&hello(), &Sampling::default())
        .map(|completion| completion.text)
}

fn asked(
    replies: Vec<Reply>,
    options: &AskOptions,
) -> (Result<Asked, ModelError>, Vec<server::Asked>) {
    let server = Server::start(replies);
    let model = endpoint(&server.url, |_| ()).expect("the address is one");
    let task = task();
    let conversation = prompt::conversation(&task, &[]);
    let asked = ask(
        &model,
        &Judge::default(),
        &task,
        conversation,
        options,
        &mut |_| (),
    );
    (asked, server.asked())
}

#[test]
fn every_diagnostic_reaches_the_model_and_the_fourth_answer_is_right() {
    let answers = [
        "I would simply add the two numbers.".to_owned(),
        RIGHT.replace("local.get 1", "local.get 1\ni64.extend_i32_s"),
        RIGHT.replace("i32.add", "i32.mul"),
        format!("Here it is:\n```wat\n{RIGHT}\n```"),
    ];
    let replies = answers.iter().cloned().map(Reply::Says).collect();
    let (asked, requests) = asked(replies, &AskOptions::default());
    let asked = asked.expect("the model answers");
    let classes: Vec<&str> = asked
        .attempts
        .iter()
        .map(|attempt| attempt.judgement.verdict.class())
        .collect();
    assert_eq!(classes, ["unparsed", "invalid", "wrong", "passed"]);
    assert_eq!(
        asked.answer().map(|attempt| attempt.module.as_str()),
        Some(RIGHT)
    );
    let said: Vec<String> = requests.iter().map(server::Asked::said).collect();
    assert!(
        said[0].contains("add(i32, i32) -> i32") && said[0].contains("add(1, 2) returns 3"),
        "{}",
        said[0]
    );
    assert!(said[1].contains("expected `(`"), "{}", said[1]);
    assert!(
        said[2].contains("line 5, column 1: type mismatch: expected i32, found i64"),
        "{}",
        said[2]
    );
    assert!(
        said[3].contains("add(1, 2) returned 2, expected 3"),
        "{}",
        said[3]
    );
    assert!(
        said[3].contains(&answers[2]),
        "it reads its own answers again"
    );
}

#[test]
fn traps_limits_and_hidden_tests_are_told_too() {
    let answers = [
        RIGHT.replace("i32.add", "i32.div_u\nunreachable"),
        RIGHT.replace(
            "local.get 0\nlocal.get 1\ni32.add",
            "loop\nbr 0\nend\nunreachable",
        ),
        RIGHT.replace("i32.add", "i32.or"),
    ];
    let options = AskOptions {
        rounds: 3,
        ..AskOptions::default()
    };
    let replies = answers.iter().cloned().map(Reply::Says).collect();
    let (asked, requests) = asked(replies, &options);
    let asked = asked.expect("the model answers");
    assert!(asked.answer().is_none());
    assert_eq!(
        asked.best().map(|best| best.judgement.verdict.rank()),
        Some((4, 1))
    );
    assert!(
        requests[1]
            .said()
            .contains("add(1, 2): the program trapped: unreachable")
    );
    assert!(
        requests[2]
            .said()
            .contains("add(1, 2): the limit of 10000000 units of work was reached")
    );
    assert!(
        asked.attempts[2]
            .diagnostic
            .contains("add(-1, 1) returned -1, expected 0"),
        "{}",
        asked.attempts[2].diagnostic
    );
}

#[test]
fn candidates_have_seeds_of_their_own_and_one_right_answer_is_enough() {
    let replies = vec![
        Reply::Says(RIGHT.to_owned()),
        Reply::Says("no".to_owned()),
        refusal(
            "400 Bad Request",
            "",
            "{\"error\":{\"message\":\"not today\"}}",
        ),
    ];
    let options = AskOptions {
        candidates: 3,
        ..AskOptions::default()
    };
    let (asked, requests) = asked(replies, &options);
    assert!(asked.expect("two answers came").answer().is_some());
    let mut seeds: Vec<_> = requests
        .iter()
        .filter_map(|request| request.body["seed"].as_u64())
        .collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [0, 1, 2]);
}

#[test]
fn a_module_that_wants_more_than_nothing_is_refused_before_it_runs() {
    let hostile = [
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32))) (func (export \"add\") (param i32 i32) (result i32) i32.const 3))",
        "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $r (param i32 i32 i32 i32) (result i32))) (memory (export \"memory\") 1) (func (export \"add\") (param i32 i32) (result i32) i32.const 0 i32.const 0 i32.const 1 i32.const 8 call $r))",
        "(module (func $s loop br 0 end) (start $s) (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))",
    ];
    let options = AskOptions {
        rounds: hostile.len(),
        ..AskOptions::default()
    };
    let (asked, requests) = asked(
        hostile
            .iter()
            .map(|wat| Reply::Says((*wat).to_owned()))
            .collect(),
        &options,
    );
    let asked = asked.expect("the model answers");
    let classes: Vec<&str> = asked
        .attempts
        .iter()
        .map(|attempt| attempt.judgement.verdict.class())
        .collect();
    assert_eq!(classes, ["imports", "imports", "limit"]);
    assert!(requests[1].said().contains(
        "the module imports \"wasi_snapshot_preview1\" \"fd_write\"; it must import nothing"
    ));
}

#[test]
fn a_conversation_that_grows_too_long_ends_with_the_best_answer_so_far() {
    let too_long = || {
        refusal(
            "400 Bad Request",
            "",
            "{\"error\":\"the context is too small\"}",
        )
    };
    let options = AskOptions {
        rounds: 3,
        ..AskOptions::default()
    };
    let wrong = Reply::Says(RIGHT.replace("i32.add", "i32.sub"));
    let (asked_twice, _) = asked(vec![wrong, too_long()], &options);
    let asked_twice = asked_twice.expect("one answer is there");
    assert_eq!(
        asked_twice
            .best()
            .map(|best| best.judgement.verdict.class()),
        Some("wrong")
    );
    let (none, _) = asked(vec![too_long()], &options);
    assert!(none.is_err_and(|error| error.to_string().contains("400")));
}

#[test]
fn both_interfaces_stream_and_a_whole_answer_is_taken_too() {
    assert_eq!(
        once(vec![Reply::Says("(module)".to_owned())]).expect("it answers"),
        "(module)"
    );
    let whole =
        "{\"choices\":[{\"message\":{\"content\":\"(module)\"},\"finish_reason\":\"stop\"}]}";
    let whole = refusal("200 OK", "Content-Type: application/json\r\n", whole);
    assert_eq!(once(vec![whole]).expect("it answers"), "(module)");
    let server = Server::start(vec![Reply::Raw(format!(
        "{HEAD}data: {{\"choices\":[{{\"text\":\"(module)\",\"finish_reason\":\"stop\"}}]}}\n\n"
    ))]);
    let model = endpoint(&server.url, |options| options.api = Api::Completions)
        .expect("the address is one");
    assert_eq!(
        model
            .complete(&hello(), &Sampling::default())
            .expect("it answers")
            .text,
        "(module)"
    );
    let asked = server.end();
    assert_eq!(asked[0].path, "/v1/completions");
    assert!(
        asked[0].body["prompt"]
            .as_str()
            .is_some_and(|prompt| prompt.contains("hello"))
    );
}

#[test]
fn the_key_travels_in_its_header_and_in_no_message() {
    let server = Server::start(vec![refusal(
        "401 Unauthorized",
        "",
        "{\"error\":\"who is s3cret?\"}",
    )]);
    let model = endpoint(&server.url, |options| {
        options.key = Some("s3cret".to_owned());
    })
    .expect("loopback needs no TLS");
    let error = model
        .complete(&hello(), &Sampling::default())
        .expect_err("it is refused");
    assert!(
        matches!(error, ModelError::Unauthorized { with_key: true, .. }),
        "{error}"
    );
    assert!(!format!("{error} {error:?} {model:?}").contains("s3cret"));
    let asked = server.end();
    assert!(
        asked[0]
            .headers
            .iter()
            .any(|line| line.eq_ignore_ascii_case("authorization: Bearer s3cret"))
    );
    let remote = endpoint("http://model.example/v1", |options| {
        options.key = Some("s3cret".to_owned());
    });
    assert!(matches!(remote, Err(ModelError::Address { .. })));
}

#[test]
fn a_server_that_names_a_pause_is_heeded_and_a_long_one_is_an_error() {
    static PAUSES: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let note = |pause: Duration| PAUSES.lock().expect("nobody panics").push(pause.as_secs());
    let server = Server::start(vec![
        refusal("429 Too Many Requests", "Retry-After: 7\r\n", ""),
        refusal("503 Service Unavailable", "", ""),
        refusal("529 Overloaded", "Retry-After: 9\r\n", ""),
        Reply::Says("x".to_owned()),
        refusal("429 Too Many Requests", "Retry-After: 86400\r\n", ""),
    ]);
    let model = endpoint(&server.url, |options| options.pause = note).expect("the address is one");
    assert_eq!(
        model
            .complete(&hello(), &Sampling::default())
            .expect("the fourth try")
            .text,
        "x"
    );
    let error = model
        .complete(&hello(), &Sampling::default())
        .expect_err("nobody waits a day");
    assert!(
        error.to_string().contains("says to wait 86400 s"),
        "{error}"
    );
    assert_eq!(*PAUSES.lock().expect("nobody panics"), [7, 1, 9]);
}

#[test]
fn what_is_no_answer_is_said_and_never_taken_for_one() {
    let class = |reply: Reply| match once(vec![reply]) {
        Ok(text) => format!("answer {text}"),
        Err(error) => format!("{error:?}")
            .split([' ', '{', '('])
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    let cut = format!("{HEAD}{}", event("(module"));
    for (reply, expected) in [
        (Reply::Raw(cut), "Cut"),
        (
            Reply::Raw(format!("{HEAD}data: {{\"choices\"")),
            "Malformed",
        ),
        (Reply::Raw(format!("{HEAD}data: garbage\n\n")), "Malformed"),
        (Reply::Raw(format!("{HEAD}<html>hello</html>")), "Malformed"),
        (
            Reply::Raw(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                    .to_owned(),
            ),
            "Malformed",
        ),
        (Reply::Raw("SSH-2.0-OpenSSH_9.2\r\n".to_owned()), "Connect"),
        (
            Reply::Raw(format!(
                "{HEAD}data: {{\"error\":{{\"message\":\"out of memory\"}}}}\n\n"
            )),
            "Malformed",
        ),
        (
            refusal(
                "404 Not Found",
                "",
                "{\"error\":{\"message\":\"no model x\"}}",
            ),
            "Status",
        ),
        (
            refusal("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
            "Status",
        ),
        (Reply::Endless(event("x")), "TooLong"),
        (Reply::Endless("data: ".to_owned()), "TooLong"),
        (Reply::Endless(": still thinking\n\n".to_owned()), "TooLong"),
        (Reply::Raw(streamed("")), "answer"),
    ] {
        let shown = format!("{reply:?}");
        assert_eq!(class(reply).trim(), expected, "{shown:.120}");
    }
    let gone = Server::start(Vec::new());
    let url = gone.url.clone();
    gone.end();
    let model = endpoint(&url, |options| options.retries = 1).expect("the address is one");
    assert!(
        model
            .complete(&hello(), &Sampling::default())
            .is_err_and(|error| error.is_unreachable())
    );
    for url in [
        "",
        "model",
        "ftp://model.example",
        "http://",
        "file:///etc/passwd",
    ] {
        assert!(
            matches!(endpoint(url, |_| ()), Err(ModelError::Address { .. })),
            "{url}"
        );
    }
}
