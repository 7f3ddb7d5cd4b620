//! Environment, clocks, random numbers, and the end of a program.

use zero_format::{Capabilities, Clock, ClockRule, EnvRule, RandomRule};
use zrun::{Asked, EngineOptions, Program, Refusal, RunError, Runner};

use crate::support::{Facts, World, component, module, run, start};

const NOTCAPABLE: u8 = 76;

const CLOCK: &str =
    "(call $write (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 32)))";
const RANDOM: &str = "(call $write (call $random_get (i32.const 32) (i32.const 8)))";
const ENVIRONMENT: &str = "(drop (call $environ_sizes_get (i32.const 32) (i32.const 36))) (call $write (i32.load (i32.const 32)))";

fn facts(capabilities: Capabilities) -> Facts {
    Facts {
        capabilities,
        ..Facts::default()
    }
}

fn all() -> Asked {
    Asked {
        declared: true,
        ..Asked::default()
    }
}

#[test]
fn the_clock_is_denied_until_it_is_granted() {
    let world = World::new();
    let rule = ClockRule {
        clock: Clock::Wall,
        reason: None,
    };
    let facts = facts(Capabilities {
        clock: vec![rule],
        ..Capabilities::default()
    });
    let denied = world.run(&start(CLOCK), &facts, &Asked::default(), &[]);
    assert_eq!(denied.errno(), NOTCAPABLE);
    assert_eq!(
        denied.stderr,
        "zrun: denied: read the wall clock — allow with --allow-clock\n"
    );
    assert_eq!(world.run(&start(CLOCK), &facts, &all(), &[]).errno(), 0);
    assert_eq!(
        world
            .run(&component(&start(CLOCK)), &facts, &all(), &[])
            .errno(),
        0
    );
}

#[test]
fn a_function_that_cannot_fail_ends_the_program_with_a_name() {
    let world = World::new();
    let denied = world.run(
        &component(&start(CLOCK)),
        &Facts::default(),
        &Asked::default(),
        &[],
    );
    let error = denied.outcome.unwrap_err();
    assert!(matches!(error, RunError::Denied { .. }), "{error:?}");
    assert_eq!(error.exit_code(), zrun::exit::TRAPPED);
    assert!(
        denied.stderr.contains(r#"clock = ["wall"]"#),
        "{}",
        denied.stderr
    );
}

#[test]
fn random_numbers_are_denied_until_they_are_granted() {
    let world = World::new();
    let facts = facts(Capabilities {
        random: Some(RandomRule::default()),
        ..Capabilities::default()
    });
    let denied = world.run(&start(RANDOM), &facts, &Asked::default(), &[]);
    assert_eq!(denied.errno(), NOTCAPABLE);
    assert_eq!(
        denied.stderr,
        "zrun: denied: draw random numbers — allow with --allow-random\n"
    );
    assert_eq!(world.run(&start(RANDOM), &facts, &all(), &[]).errno(), 0);
    assert_eq!(
        world
            .run(&component(&start(RANDOM)), &facts, &all(), &[])
            .errno(),
        0
    );
}

#[test]
fn a_refused_right_names_the_flag_that_refuses_it() {
    let world = World::new();
    let facts = facts(Capabilities {
        random: Some(RandomRule::default()),
        ..Capabilities::default()
    });
    let asked = Asked {
        deny: vec![Refusal::Random],
        ..all()
    };
    let denied = world.run(&start(RANDOM), &facts, &asked, &[]);
    assert_eq!(
        denied.stderr,
        "zrun: denied: draw random numbers — it is refused with --deny-random\n"
    );
}

#[test]
fn only_granted_variables_exist() {
    let world = World::new();
    let names = ["GRANTED", "UNSET"].map(|name| EnvRule {
        name: name.parse().unwrap(),
        reason: None,
    });
    let facts = facts(Capabilities {
        env: names.to_vec(),
        ..Capabilities::default()
    });
    for wasm in [start(ENVIRONMENT), component(&start(ENVIRONMENT))] {
        assert_eq!(world.run(&wasm, &facts, &Asked::default(), &[]).errno(), 0);
        assert_eq!(world.run(&wasm, &facts, &all(), &[]).errno(), 1);
    }
}

#[test]
fn strict_ends_the_program_at_the_first_denial() {
    let world = World::new();
    let program = world.program(&start(RANDOM), &Facts::default());
    let ended = run(Runner::new(&program).strict(true));
    assert!(
        matches!(ended.outcome, Err(RunError::Denied { .. })),
        "{ended:?}"
    );
    assert!(ended.stdout.is_empty());
}

#[test]
fn quiet_says_nothing() {
    let world = World::new();
    let program = world.program(&start(RANDOM), &Facts::default());
    let ended = run(Runner::new(&program).quiet(true));
    assert_eq!((ended.errno(), ended.stderr.as_str()), (NOTCAPABLE, ""));
}

#[test]
fn arguments_and_exit_codes_pass_through() {
    let world = World::new();
    let wasm = start(
        "(drop (call $args_sizes_get (i32.const 32) (i32.const 36))) (call $proc_exit (i32.load (i32.const 32)))",
    );
    let program = world.program(&wasm, &Facts::default());
    let ended = run(Runner::new(&program).args(["a", "b"]));
    assert_eq!(ended.outcome.unwrap().code, 3);
}

#[test]
fn a_trap_shows_where() {
    let world = World::new();
    let wasm =
        module(r#"(func $broken_part unreachable) (func (export "_start") (call $broken_part))"#);
    let error = world
        .run(&wasm, &Facts::default(), &Asked::default(), &[])
        .outcome
        .unwrap_err();
    assert_eq!(error.exit_code(), zrun::exit::TRAPPED);
    let RunError::Trap { backtrace, .. } = error else {
        panic!("{error:?}")
    };
    assert!(backtrace.starts_with("at broken_part\n"), "{backtrace}");
}

#[test]
fn a_program_for_a_later_wasi_is_refused_by_the_name_of_its_import() {
    let world = World::new();
    let wasm = wat::parse_str(
        r#"(component (import "wasi:clocks/system-clock@0.3.0"
            (instance (export "get-resolution" (func (result u64))))))"#,
    )
    .unwrap();
    let verified = world.verified(&wasm, &Facts::default());
    let error = Program::load(&verified, EngineOptions::default(), &world.cache).unwrap_err();
    assert_eq!(
        error.to_string(),
        "run the program: it imports wasi:clocks/system-clock@0.3.0, and WASI 0.3 is not provided yet"
    );
}

#[test]
fn an_unknown_import_is_named() {
    let world = World::new();
    let wasm = wat::parse_str(r#"(module (import "env" "magic" (func)) (func (export "_start")))"#)
        .unwrap();
    let error = world
        .run(&wasm, &Facts::default(), &Asked::default(), &[])
        .outcome
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "run the program: it imports `env` `magic`, which nothing provides"
    );
}

#[test]
fn exports_are_called_with_typed_arguments() {
    let world = World::new();
    let wasm = wat::parse_str(
        r#"(module (func (export "add") (param i32 i64) (result i64)
            (i64.add (i64.extend_i32_u (local.get 0)) (local.get 1))))"#,
    )
    .unwrap();
    let program = world.program(&wasm, &Facts::default());
    let call = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        Runner::new(&program).call_text("add", &args)
    };
    assert_eq!(call(&["-1", "1"]).unwrap().to_json(), 4_294_967_296_i64);
    assert_eq!(
        call(&["x", "1"]).unwrap_err().exit_code(),
        zrun::exit::USAGE
    );
    let error = call(&["1"]).unwrap_err();
    assert_eq!(error.hint().unwrap(), "it is add(i32, i64) -> i64");
    let error = Runner::new(&program).call_text("sub", &[]).unwrap_err();
    assert_eq!(
        error.hint().unwrap(),
        "call one of its exports with --invoke: add"
    );
    assert!(matches!(
        Runner::new(&program).run(),
        Err(RunError::NotACommand { .. })
    ));
}

#[test]
fn a_component_is_called_with_wave_values_and_shows_its_types() {
    let world = World::new();
    let wasm = wat::parse_str(COMPONENT).unwrap();
    let program = world.program(&wasm, &Facts::default());
    let call = |export: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        Runner::new(&program).call_text(export, &args)
    };
    let sum = call("sum", &["{x: 40, y: 2}"]).unwrap();
    assert_eq!((sum.to_text().as_str(), sum.to_json()), ("42\n", 42.into()));
    let named = call("sum", &["p={y: 2, x: 1}"]).unwrap();
    assert_eq!(named.to_text(), "3\n");
    let colour = call("next", &["red"]).unwrap();
    assert_eq!(colour.to_text(), "some(green)\n");
    let error = call("sum", &["{x: 1}"]).unwrap_err();
    assert_eq!(error.to_string(), "call sum: its argument `p` does not fit");
    assert_eq!(
        error.hint().unwrap(),
        "it is sum(p: record { x: u32, y: u32 }) -> u32"
    );
    assert!(call("next", &["blue"]).is_err());
}

/// Two functions over a record and an enumeration, lowered by hand.
const COMPONENT: &str = r#"(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    ;; An option of an enumeration lies in memory: is there one, and which.
    (func (export "next") (param i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.store8 (i32.const 1) (i32.add (local.get 0) (i32.const 1)))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (type $point' (record (field "x" u32) (field "y" u32)))
  (export $point "point" (type $point'))
  (type $colour' (enum "red" "green"))
  (export $colour "colour" (type $colour'))
  (func (export "sum") (param "p" $point) (result u32) (canon lift (core func $i "sum")))
  (func (export "next") (param "c" $colour) (result (option $colour))
    (canon lift (core func $i "next") (memory (core memory $i "memory")))))
"#;
