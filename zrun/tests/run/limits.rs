//! Limits: each ends the program with its own name.

use std::sync::mpsc;
use std::time::Duration;

use zero_format::Limits as Declared;
use zrun::{Asked, EngineOptions, LimitReached, Limits, Program, RunError, Runner};

use crate::support::{Facts, World, component, module, run, start};

const ENDLESS: &str = "(loop (br 0))";

fn limit(error: RunError) -> LimitReached {
    assert_eq!(error.exit_code(), zrun::exit::LIMIT, "{error:?}");
    match error {
        RunError::Limit(limit) => limit,
        other => panic!("{other:?}"),
    }
}

fn reached(wasm: &[u8], declared: Declared) -> LimitReached {
    let facts = Facts {
        limits: declared,
        ..Facts::default()
    };
    limit(
        World::new()
            .run(wasm, &facts, &Asked::default(), &[])
            .outcome
            .unwrap_err(),
    )
}

#[test]
fn an_endless_loop_ends_at_the_time_limit() {
    let declared = Declared {
        time_ms: Some(50),
        ..Declared::default()
    };
    let time = LimitReached::Time {
        limit: Duration::from_millis(50),
    };
    assert_eq!(reached(&start(ENDLESS), declared), time);
    assert_eq!(reached(&component(&start(ENDLESS)), declared), time);
}

#[test]
fn a_process_that_ends_with_its_program_is_told_of_the_time_limit() {
    let world = World::new();
    let facts = Facts {
        limits: Declared {
            fuel: Some(u64::MAX),
            ..Declared::default()
        },
        ..Facts::default()
    };
    let options = EngineOptions {
        interruptible: false,
        fuel: true,
    };
    let program = Program::load(
        &world.verified(&start(ENDLESS), &facts),
        options,
        &world.cache,
    )
    .unwrap();
    assert!(matches!(
        Runner::new(&program).run(),
        Err(RunError::Uninterruptible)
    ));
    let (told, hears) = mpsc::channel();
    let (time, fuel) = (Duration::from_millis(20), Some(2_000_000_000));
    let limits = Limits {
        time,
        fuel,
        ..Limits::default()
    };
    // A real process ends in the action; this one goes on until its fuel is spent.
    let outcome = Runner::new(&program)
        .limits(limits)
        .on_time_limit(move |limit| told.send(limit).unwrap())
        .run();
    assert_eq!(hears.recv(), Ok(LimitReached::Time { limit: time }));
    assert!(outcome.is_err());
}

#[test]
fn growing_memory_ends_at_the_memory_limit() {
    let bomb = start("(loop (drop (memory.grow (i32.const 1))) (br 0))");
    let declared = Declared {
        memory: Some(1 << 20),
        ..Declared::default()
    };
    assert_eq!(
        reached(&bomb, declared),
        LimitReached::Memory { limit: 1 << 20 }
    );
}

#[test]
fn memory_that_is_too_large_from_the_start_is_refused_too() {
    let declared = Declared {
        memory: Some(65_536),
        ..Declared::default()
    };
    assert_eq!(
        reached(&start("nop"), declared),
        LimitReached::Memory { limit: 65_536 }
    );
}

#[test]
fn a_flood_of_output_ends_at_the_output_limit() {
    let flood = start("(loop (call $write (i32.const 65)) (br 0))");
    let facts = Facts {
        limits: Declared {
            output: Some(1000),
            ..Declared::default()
        },
        ..Facts::default()
    };
    for wasm in [flood.clone(), component(&flood)] {
        let ended = World::new().run(&wasm, &facts, &Asked::default(), &[]);
        assert_eq!(ended.stdout, [65; 1000]);
        assert_eq!(
            limit(ended.outcome.unwrap_err()),
            LimitReached::Output { limit: 1000 }
        );
    }
}

#[test]
fn work_ends_at_the_fuel_limit_and_is_counted_exactly() {
    let declared = Declared {
        fuel: Some(1000),
        ..Declared::default()
    };
    assert_eq!(
        reached(&start(ENDLESS), declared),
        LimitReached::Fuel { fuel: 1000 }
    );
    let world = World::new();
    let program = world.program(
        &start("nop"),
        &Facts {
            limits: declared,
            ..Facts::default()
        },
    );
    let used: Vec<_> = (0..2)
        .map(|_| run(Runner::new(&program)).outcome.unwrap().fuel)
        .collect();
    assert!(used[0].is_some() && used[0] == used[1], "{used:?}");
}

#[test]
fn endless_recursion_ends_at_the_stack_limit() {
    let deep =
        module(r#"(func $deep (call $deep) (call $deep)) (func (export "_start") (call $deep))"#);
    assert_eq!(reached(&deep, Declared::default()), LimitReached::Stack);
}

#[test]
fn growing_tables_end_at_their_limit() {
    let wasm = wat::parse_str(
        r#"(module (table 1 funcref) (func (export "_start")
            (loop (drop (table.grow (ref.null func) (i32.const 65536))) (br 0))))"#,
    )
    .unwrap();
    assert_eq!(reached(&wasm, Declared::default()), LimitReached::Tables);
}

#[test]
fn a_fuel_limit_without_counting_is_refused() {
    let world = World::new();
    let program = world.program(&start("nop"), &Facts::default());
    let limits = Limits {
        fuel: Some(1),
        ..Limits::default()
    };
    assert!(matches!(
        Runner::new(&program).limits(limits).run(),
        Err(RunError::FuelUncounted)
    ));
}
