//! `--deterministic`: chance and time depend on the seed alone.

use zero_format::{Capabilities, Clock, ClockRule, RandomRule};
use zrun::{Asked, EngineOptions, Program, RunError, Runner, decide};

use crate::support::{Facts, World, component, run, start};

/// Writes eight random bytes, a reading of the clock and the bits of a NaN.
const CHANCE: &str = "
    (drop (call $random_get (i32.const 64) (i32.const 8)))
    (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 72)))
    (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 80)))
    (f32.store (i32.const 88) (f32.div (f32.load (i32.const 128)) (f32.load (i32.const 128))))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 28))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))";

fn facts() -> Facts {
    let clock = |clock| ClockRule {
        clock,
        reason: None,
    };
    Facts {
        capabilities: Capabilities {
            clock: vec![clock(Clock::Wall), clock(Clock::Monotonic)],
            random: Some(RandomRule::default()),
            ..Capabilities::default()
        },
        ..Facts::default()
    }
}

fn output(world: &World, wasm: &[u8], seed: Option<u64>) -> Vec<u8> {
    let options = EngineOptions {
        deterministic: seed.is_some(),
        ..EngineOptions::default()
    };
    let program = Program::load(&world.verified(wasm, &facts()), options, &world.cache).unwrap();
    let all = Asked {
        declared: true,
        ..Asked::default()
    };
    let grants = decide(&facts().capabilities, &all, &|_| None).grants;
    let mut runner = Runner::new(&program).grants(grants);
    if let Some(seed) = seed {
        runner = runner.deterministic(seed);
    }
    let ended = run(runner);
    assert_eq!(ended.outcome.unwrap().code, 0);
    ended.stdout
}

#[test]
fn two_runs_give_the_same_bytes_and_another_seed_others() {
    let world = World::new();
    let module = start(CHANCE);
    for wasm in [module.clone(), component(&module)] {
        let first = output(&world, &wasm, Some(7));
        assert_eq!(first, output(&world, &wasm, Some(7)));
        assert_ne!(first, output(&world, &wasm, Some(8)));
        assert_ne!(first, output(&world, &wasm, None));
    }
}

#[test]
fn clocks_start_at_the_epoch_and_nan_has_one_pattern() {
    let bytes = output(&World::new(), &start(CHANCE), Some(0));
    let number = |from: usize| u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap());
    assert_eq!(number(8), zrun::EPOCH * 1_000_000_000);
    assert_eq!(number(16), 1_000_000);
    assert_eq!(bytes[24..], 0x7fc0_0000_u32.to_le_bytes());
}

#[test]
fn code_that_was_not_compiled_for_it_is_refused() {
    let world = World::new();
    let program = world.program(&start("nop"), &Facts::default());
    assert!(matches!(
        Runner::new(&program).deterministic(0).run(),
        Err(RunError::NotDeterministic)
    ));
}
