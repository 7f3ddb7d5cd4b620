//! The audit: what a program did with its rights, and what it was denied, line by line.

use std::io;

use serde_json::Value;
use zero_format::{Access, Capabilities, ClockRule, EnvRule, FsRule, FsScope, RandomRule};
use zrun::{Asked, Audit, Ended, Event, Grants, Listener, Rule, RunError, Runner, What, decide};

use crate::support::{CREATE, Facts, READ, World, component, open, run, start};

/// What one run left in its audit file.
fn audited(world: &World, wasm: &[u8], facts: &Facts, asked: &Asked) -> Vec<Value> {
    let program = world.program(wasm, facts);
    let variable = |_: &str| Some("value".to_owned());
    let grants = decide(&facts.capabilities, asked, &variable).grants;
    let path = world.path("audit.jsonl");
    let audit = Audit::open(&path, &grants, &[])
        .unwrap()
        .run(1_000)
        .unwrap();
    run(Runner::new(&program)
        .grants(grants)
        .registry("registry.example/demo")
        .listen(audit));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn all() -> Asked {
    Asked {
        declared: true,
        ..Asked::default()
    }
}

/// The lines of one event, without what all lines have.
fn events(lines: &[Value], event: &str) -> Vec<String> {
    let with = lines.iter().filter(|line| line["event"] == event);
    with.map(|line| {
        let mut line = line.as_object().unwrap().clone();
        for common in ["run", "ms", "event"] {
            assert!(line.shift_remove(common).is_some());
        }
        Value::Object(line).to_string()
    })
    .collect()
}

#[test]
fn start_and_exit_frame_a_run() {
    let world = World::new();
    let lines = audited(
        &world,
        &start("(call $proc_exit (i32.const 3))"),
        &Facts::default(),
        &Asked::default(),
    );
    let start = &lines[0];
    assert_eq!(
        (&start["event"], &start["time"]),
        (&"start".into(), &1_000.into())
    );
    assert_eq!(start["package"], "sample");
    assert_eq!(start["version"], "1.2.3");
    assert_eq!(start["registry"], "registry.example/demo");
    assert_eq!(start["signers"][0], world.key.public_key().to_base64());
    assert_eq!(start["limits"]["memory"], 1 << 30);
    assert_eq!(
        events(&lines, "exit"),
        [r#"{"outcome":"exit","code":3,"fuel":null,"uses":0,"denials":0}"#]
    );
}

#[test]
fn every_right_used_is_a_line_in_modules_and_components() {
    let world = World::new();
    let facts = Facts {
        capabilities: Capabilities {
            clock: vec![ClockRule {
                clock: zero_format::Clock::Wall,
                reason: None,
            }],
            env: vec![EnvRule {
                name: "GRANTED".parse().unwrap(),
                reason: None,
            }],
            random: Some(RandomRule::default()),
            ..Capabilities::default()
        },
        ..Facts::default()
    };
    let wasm = start(
        "(drop (call $environ_sizes_get (i32.const 32) (i32.const 36)))
        (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 40)))
        (drop (call $random_get (i32.const 32) (i32.const 8)))
        (drop (call $random_get (i32.const 32) (i32.const 8)))",
    );
    for wasm in [wasm.clone(), component(&wasm)] {
        let lines = audited(&world, &wasm, &facts, &all());
        assert_eq!(
            events(&lines, "use"),
            [
                r#"{"capability":"env","action":"read","names":["GRANTED"]}"#,
                r#"{"capability":"clock","action":"read","clock":"wall"}"#,
                r#"{"capability":"random","action":"draw"}"#,
            ]
        );
    }
}

#[test]
fn files_are_recorded_by_the_path_that_the_program_sees() {
    let world = World::new();
    let folder = world.folder("data", "x", "content");
    let facts = Facts {
        capabilities: Capabilities {
            fs: vec![FsRule {
                scope: FsScope::Guest("/data".parse().unwrap()),
                access: Access::ReadWrite,
                reason: None,
            }],
            ..Capabilities::default()
        },
        ..Facts::default()
    };
    let asked = Asked {
        allow: vec![Rule::Fs {
            host: folder.clone(),
            guest: None,
            access: Access::ReadWrite,
        }],
        ..Asked::default()
    };
    for wrap in [<[u8]>::to_vec, component] {
        let read = audited(&world, &wrap(&open(4, "x", READ)), &facts, &asked);
        assert_eq!(
            events(&read, "use"),
            [r#"{"capability":"fs","action":"read","path":"/data/x"}"#]
        );
        let written = audited(&world, &wrap(&open(4, "new", CREATE)), &facts, &asked);
        assert_eq!(
            events(&written, "use"),
            [r#"{"capability":"fs","action":"write","path":"/data/new"}"#]
        );
        std::fs::remove_file(folder.join("new")).unwrap();
    }
    let lines = audited(&world, &open(3, "etc/passwd", READ), &facts, &asked);
    assert_eq!(
        events(&lines, "denied"),
        [r#"{"capability":"fs","action":"read","path":"/etc/passwd","reason":"undeclared"}"#]
    );
}

#[test]
fn a_limit_is_a_line_before_the_end() {
    let world = World::new();
    let facts = Facts {
        limits: zero_format::Limits {
            output: Some(3),
            ..Default::default()
        },
        ..Facts::default()
    };
    let flood = start("(loop (call $write (i32.const 65)) (br 0))");
    let lines = audited(&world, &flood, &facts, &Asked::default());
    assert_eq!(events(&lines, "limit"), [r#"{"limit":"output","value":3}"#]);
    assert_eq!(
        events(&lines, "exit"),
        [r#"{"outcome":"limit","code":124,"fuel":null,"uses":0,"denials":0}"#]
    );
}

/// A disk that is full from some event on.
struct Full {
    left: usize,
}

impl Listener for Full {
    fn hear(&mut self, _event: &Event<'_>) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

#[test]
fn nothing_runs_unrecorded() {
    let world = World::new();
    let facts = Facts {
        capabilities: Capabilities {
            random: Some(RandomRule::default()),
            ..Capabilities::default()
        },
        ..Facts::default()
    };
    let wasm = start(
        "(call $write (i32.const 65)) (drop (call $random_get (i32.const 32) (i32.const 8))) (call $write (i32.const 66))",
    );
    let program = world.program(&wasm, &facts);
    for (left, written) in [(0, ""), (1, "A"), (2, "AB")] {
        let grants: Grants = decide(&facts.capabilities, &all(), &|_| None).grants;
        let ended = run(Runner::new(&program).grants(grants).listen(Full { left }));
        assert_eq!(ended.stdout, written.as_bytes(), "{left}");
        let error = ended.outcome.unwrap_err();
        assert!(matches!(error, RunError::Unrecorded(_)), "{error:?}");
        assert_eq!(error.exit_code(), zrun::exit::FAILED);
    }
}

#[test]
fn a_call_of_an_export_is_recorded_too() {
    struct Ends(std::sync::mpsc::Sender<Ended>);
    impl Listener for Ends {
        fn hear(&mut self, event: &Event<'_>) -> io::Result<()> {
            if let What::Ended(ended) = event.what {
                self.0.send(ended.clone()).map_err(io::Error::other)?;
            }
            Ok(())
        }
    }
    let world = World::new();
    let wasm = wat::parse_str(r#"(module (func (export "f") unreachable))"#).unwrap();
    let program = world.program(&wasm, &Facts::default());
    let (tell, hear) = std::sync::mpsc::channel();
    let called = Runner::new(&program).listen(Ends(tell)).call_text("f", &[]);
    assert!(matches!(called, Err(RunError::Trap { .. })));
    let ended = hear.recv().unwrap();
    assert_eq!((ended.outcome, ended.code), ("trapped", 134));
}
