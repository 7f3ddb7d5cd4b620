//! Limits: each ends the program with its own name.

use std::sync::mpsc;
use std::time::Duration;

use zero_format::Limits as Declared;
use zrun::{Asked, EngineOptions, LimitReached, Limits, Program, RunError, Runner};

use crate::files::{allow, data};
use crate::support::{CREATE, Ended, Facts, World, component, module, run, start};

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
fn waiting_ends_at_the_time_limit() {
    // Waits an hour for the monotonic clock, with a subscription of 48 bytes at 64.
    let sleeps = module(
        r#"(func (export "_start")
            (i32.store (i32.const 80) (i32.const 1))
            (i64.store (i32.const 88) (i64.const 3600000000000))
            (drop (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 256))))"#,
    );
    let declared = Declared {
        time_ms: Some(50),
        ..Declared::default()
    };
    let time = LimitReached::Time {
        limit: Duration::from_millis(50),
    };
    assert_eq!(reached(&sleeps, declared), time);
    assert_eq!(reached(&component(&sleeps), declared), time);
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
        ..EngineOptions::default()
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

/// A program that opens a file of a granted directory again and again, and does something with each.
fn opener(then: &str) -> Vec<u8> {
    let (oflags, rights) = CREATE;
    module(&format!(
        r#"(data (i32.const 100) "x")
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 1000))
            (loop
                (if (call $path_open (i32.const 4) (i32.const 1) (i32.const 100) (i32.const 1)
                        (i32.const {oflags}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 32))
                    (then unreachable))
                {then}
                (br 0)))"#
    ))
}

/// Runs it as a module and as a component in a directory that it may write; the directory's only file comes along.
fn flood(then: &str, declared: Declared, check: impl Fn(Ended, u64)) {
    let mut facts = data(zero_format::Access::ReadWrite);
    facts.limits = declared;
    for wasm in [opener(then), component(&opener(then))] {
        let world = World::new();
        let folder = world.folder("d", "x", "");
        let asked = allow(&folder, zero_format::Access::ReadWrite);
        let ended = world.run(&wasm, &facts, &asked, &[]);
        check(ended, std::fs::metadata(folder.join("x")).unwrap().len());
    }
}

#[test]
fn a_flood_of_writing_ends_at_the_write_limit() {
    let declared = Declared {
        write: Some(5500),
        ..Declared::default()
    };
    let write = "(loop (br_if 0 (i32.eqz (call $fd_write (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))))";
    flood(write, declared, |ended, len| {
        let reached = limit(ended.outcome.unwrap_err());
        assert_eq!(reached, LimitReached::Write { limit: 5500 });
        assert_eq!(len, 5000, "what would pass the limit is not written at all");
    });
}

#[test]
fn making_a_file_longer_counts_as_writing() {
    let declared = Declared {
        write: Some(5500),
        ..Declared::default()
    };
    let grow = |size: u64| {
        format!(
            "(drop (call $fd_filestat_set_size (i32.load (i32.const 32)) (i64.const {size}))) (call $fd_close (i32.load (i32.const 32))) drop"
        )
    };
    flood(&grow(6000), declared, |ended, len| {
        let reached = limit(ended.outcome.unwrap_err());
        assert_eq!((reached, len), (LimitReached::Write { limit: 5500 }, 0));
    });
    // The same length again is no growth, so nothing but the time ends this one.
    let short = Declared {
        time_ms: Some(200),
        ..declared
    };
    flood(&grow(5500), short, |ended, len| {
        let reached = limit(ended.outcome.unwrap_err());
        assert!(matches!(reached, LimitReached::Time { .. }), "{reached:?}");
        assert_eq!(len, 5500);
    });
}

#[test]
fn a_flood_of_handles_ends_at_their_limit_and_closed_ones_do_not_count() {
    let declared = Declared {
        handles: Some(50),
        ..Declared::default()
    };
    flood("", declared, |ended, _| {
        let reached = limit(ended.outcome.unwrap_err());
        assert_eq!(reached, LimitReached::Handles { limit: 50 });
    });
    let short = Declared {
        time_ms: Some(200),
        ..declared
    };
    let close = "(drop (call $fd_close (i32.load (i32.const 32))))";
    flood(close, short, |ended, _| {
        let reached = limit(ended.outcome.unwrap_err());
        assert!(matches!(reached, LimitReached::Time { .. }), "{reached:?}");
    });
}
