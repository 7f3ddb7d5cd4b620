//! What a program gets that runs others: functions of its own, cancellation, many instances, two compilers.

use zrun::{
    Cache, Cancel, EngineOptions, Functions, Guest, LimitReached, Program, RunError, Runner,
};

use super::support::{Facts, World, component, module, run, start};

const ENDLESS: &str = "(loop $again (br $again))";

/// A module that calls `test/now` and then never ends.
fn endless() -> Vec<u8> {
    let text = format!(
        r#"(module (import "test" "now" (func $now)) (func (export "_start") (call $now) {ENDLESS}))"#
    );
    wat::parse_str(text).unwrap()
}

/// A program with quick code, where there is a quick compiler.
fn quick(world: &World, body: &str) -> Program {
    let filler = "x".repeat(64 << 10);
    let wasm = module(&format!(
        r#"(data (i32.const 1024) "{filler}") (func $main (export "_start") {body})"#
    ));
    let options = EngineOptions {
        interruptible: false,
        ..EngineOptions::default()
    };
    Program::load(
        &world.verified(&wasm, &Facts::default()),
        options,
        &world.cache,
    )
    .unwrap()
}

#[test]
fn a_run_can_be_cancelled_while_it_computes() {
    let world = World::new();
    let cancel = Cancel::default();
    let button = cancel.clone();
    let functions =
        Functions::default().function("test", "now", move |_: &mut Guest<'_>| button.cancel());
    let program = world
        .program(&endless(), &Facts::default())
        .with_functions(functions);
    let ended = run(Runner::new(&program).cancel(&cancel));
    assert!(
        matches!(ended.outcome, Err(RunError::Cancelled)),
        "{ended:?}"
    );
    // From now on nothing of this run starts.
    let ended = run(Runner::new(&program).cancel(&cancel));
    assert!(
        matches!(ended.outcome, Err(RunError::Cancelled)),
        "{ended:?}"
    );
}

#[test]
fn cancelling_one_run_leaves_the_others_alone() {
    let world = World::new();
    let cancel = Cancel::default();
    let button = cancel.clone();
    let functions =
        Functions::default().function("test", "now", move |_: &mut Guest<'_>| button.cancel());
    let text = r#"(module (import "test" "now" (func $now)) (func (export "_start") (local i32)
        (call $now)
        (loop $again (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000))))))"#;
    let program = world
        .program(&wat::parse_str(text).unwrap(), &Facts::default())
        .with_functions(functions);
    assert_eq!(run(Runner::new(&program)).outcome.unwrap().code, 0);
    assert!(cancel.is_cancelled());
}

#[test]
fn what_nothing_interrupts_cannot_be_given_a_cancel() {
    let world = World::new();
    let program = quick(&world, "");
    let runner = Runner::new(&program).on_time_limit(|_| {});
    let ended = run(runner.cancel(&Cancel::default()));
    assert!(matches!(ended.outcome, Err(RunError::Uninterruptible)));
}

#[test]
fn an_error_of_a_function_ends_the_program() {
    let world = World::new();
    let functions = Functions::default().function(
        "test",
        "now",
        |guest: &mut Guest<'_>| -> wasmtime::Result<()> { guest.read(u32::MAX, 1).map(drop) },
    );
    let program = world
        .program(&endless(), &Facts::default())
        .with_functions(functions);
    let RunError::Trap { reason, .. } = run(Runner::new(&program)).outcome.unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(reason, "the module exports no memory");
}

#[test]
fn a_function_that_nobody_gives_is_an_unknown_import() {
    let world = World::new();
    let ended = run(Runner::new(&world.program(&endless(), &Facts::default())));
    assert!(matches!(ended.outcome, Err(RunError::Import { .. })));
}

#[test]
fn components_import_typed_functions() {
    let world = World::new();
    let text = r#"(component
        (import "acme:shop/prices@1.0.0" (instance $prices
            (export "price" (func (param "name" string) (result u64)))))
        (core module $memory (memory (export "memory") 1) (data (i32.const 8) "tea")
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
        (core instance $memory (instantiate $memory))
        (alias core export $memory "memory" (core memory $linear))
        (core func $price (canon lower (func $prices "price") (memory $linear)))
        (core module $main
            (import "shop" "price" (func $price (param i32 i32) (result i64)))
            (func (export "total") (result i64) (i64.mul (i64.const 3) (call $price (i32.const 8) (i32.const 3)))))
        (core instance $main (instantiate $main
            (with "shop" (instance (export "price" (func $price))))))
        (func $total (result u64) (canon lift (core func $main "total")))
        (instance $till (export "total" (func $total)))
        (export "acme:shop/till@1.0.0" (instance $till)))"#;
    let functions = Functions::default().component_function(
        "acme:shop/prices@1.0.0",
        "price",
        |(name,): (String,)| Ok((if name == "tea" { 4_u64 } else { 0 },)),
    );
    let program = world
        .program(&wat::parse_str(text).unwrap(), &Facts::default())
        .with_functions(functions);
    for _ in 0..2 {
        let called = Runner::new(&program)
            .call("acme:shop/till@1.0.0#total", &[])
            .unwrap();
        assert_eq!(called.to_json(), 12);
    }
}

#[test]
fn instances_take_turns_in_a_place_and_leave_nothing_behind() {
    let world = World::new();
    let wasm = wat::parse_str(
        r#"(module (memory 1) (data (i32.const 0) "\01") (global $runs (mut i32) (i32.const 0))
            (func (export "next") (result i32)
                (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
                (global.set $runs (i32.add (global.get $runs) (i32.const 1)))
                (i32.add (i32.load8_u (i32.const 0)) (global.get $runs))))"#,
    )
    .unwrap();
    let options = EngineOptions {
        instances: 2,
        ..EngineOptions::default()
    };
    let artifact = world.verified(&wasm, &Facts::default());
    let program = Program::load(&artifact, options, &world.cache).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let called = Runner::new(&program).call("next", &[]).unwrap();
                    assert_eq!(called.to_json(), 3);
                }
            });
        }
    });
}

#[test]
fn components_run_in_places_too() {
    let world = World::new();
    let wasm = component(&start("(call $write (i32.const 65))"));
    let options = EngineOptions {
        instances: 16,
        ..EngineOptions::default()
    };
    let artifact = world.verified(&wasm, &Facts::default());
    let program = Program::load(&artifact, options, &world.cache).unwrap();
    for _ in 0..40 {
        let ended = run(Runner::new(&program));
        assert_eq!(
            (ended.outcome.unwrap().code, ended.stdout),
            (0, b"A".to_vec())
        );
    }
}

#[test]
fn quick_code_keeps_to_the_limits() {
    let world = World::new();
    let ended = |program: &Program| run(Runner::new(program).on_time_limit(|_| {})).outcome;
    let program = quick(&world, "(drop (memory.grow (i32.const 65000)))");
    let error = ended(&program).unwrap_err();
    assert!(
        matches!(error, RunError::Limit(LimitReached::Memory { .. })),
        "{error:?}"
    );

    let program = quick(&world, "(call $main)");
    let error = ended(&program).unwrap_err();
    assert!(
        matches!(error, RunError::Limit(LimitReached::Stack)),
        "{error:?}"
    );

    let program = quick(&world, "(i32.store (i32.const -1) (i32.const 0))");
    let RunError::Trap { backtrace, .. } = ended(&program).unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(backtrace, "at main");
}

#[test]
fn quick_code_answers_as_other_code_does() {
    let world = World::new();
    let body = "(call $write (i32.rem_u (i32.mul (i32.const 1103515245) (i32.const 12345)) (i32.const 251)))";
    let program = quick(&world, body);
    let first = run(Runner::new(&program).on_time_limit(|_| {}));
    let usual = run(Runner::new(&world.program(&start(body), &Facts::default())));
    assert_eq!(first.stdout, usual.stdout);
    assert_eq!(first.outcome.unwrap(), usual.outcome.unwrap());
    // A second cache starts from nothing.
    assert!(Cache::open(&world.home).unwrap().info().unwrap().programs >= 2);
}

/// Cargo builds examples before it runs tests, into a folder beside the tests'.
#[test]
fn the_example_prints_what_its_readme_shows() {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().join("examples");
    let example = folder.join(format!("embed{}", std::env::consts::EXE_SUFFIX));
    let Ok(output) = std::process::Command::new(example).output() else {
        // `cargo test --test run` alone builds no examples.
        return;
    };
    let readme = include_str!("../../../examples/embed/README.md");
    let (_, shown) = readme.split_once("--example embed\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), shown);
}
