//! The compile cache: what is loaded is what was stored, byte for byte, or it is compiled anew.

use std::path::PathBuf;

use zrun::{Cache, EngineOptions, Program, Runner};

use crate::support::{Facts, World, run, start};

/// Flipping every byte of real machine code would take minutes; each entry's bytes take part in one hash, so a
/// stride that visits all residues is enough here. Unit tests flip every byte of a small entry.
const STRIDE: usize = 97;

fn hello() -> Vec<u8> {
    start("(call $write (i32.const 33))")
}

fn only_entry(world: &World) -> PathBuf {
    let mut entries = std::fs::read_dir(world.home.code_dir()).unwrap();
    let entry = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    entry
}

#[test]
fn a_warm_program_needs_its_receipt_only() {
    let world = World::new();
    let digest = *world.program(&hello(), &Facts::default()).digest();
    let cache = Cache::open(&world.home).unwrap();
    let receipt = cache.receipt(&digest).unwrap();
    let program = Program::cached(&receipt, EngineOptions::default(), &cache).unwrap();
    assert_eq!(run(Runner::new(&program)).stdout, b"!");
    assert_eq!(program.signers(), [world.key.public_key()]);
    let counting = EngineOptions {
        fuel: true,
        ..EngineOptions::default()
    };
    assert!(Program::cached(&receipt, counting, &cache).is_none());
}

#[test]
fn changed_code_is_never_loaded_and_is_compiled_anew() {
    let world = World::new();
    let digest = *world.program(&hello(), &Facts::default()).digest();
    let receipt = world.cache.receipt(&digest).unwrap();
    let entry = only_entry(&world);
    let good = std::fs::read(&entry).unwrap();
    for at in (0..good.len())
        .step_by(STRIDE)
        .chain(good.len() - 40..good.len())
    {
        let mut flipped = good.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&entry, flipped).unwrap();
        let loaded = Program::cached(&receipt, EngineOptions::default(), &world.cache);
        assert!(loaded.is_none(), "byte {at}");
        assert!(!entry.exists(), "byte {at}");
    }
    std::fs::write(&entry, &good[..good.len() / 2]).unwrap();
    let program = world.program(&hello(), &Facts::default());
    assert_eq!(run(Runner::new(&program)).stdout, b"!");
    assert_eq!(std::fs::read(&entry).unwrap(), good);
}

#[test]
fn a_changed_receipt_is_no_receipt() {
    let world = World::new();
    let digest = *world.program(&hello(), &Facts::default()).digest();
    let path = world.home.receipt(&digest);
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        assert!(world.cache.receipt(&digest).is_none(), "byte {at}");
    }
}

#[test]
fn programs_compiled_at_once_share_one_entry() {
    let world = World::new();
    let verified = world.verified(&hello(), &Facts::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let program =
                    Program::load(&verified, EngineOptions::default(), &world.cache).unwrap();
                assert_eq!(run(Runner::new(&program)).stdout, b"!");
            });
        }
    });
    only_entry(&world);
}

#[test]
fn what_a_killed_writer_left_is_not_used() {
    let world = World::new();
    world.program(&hello(), &Facts::default());
    let entry = only_entry(&world);
    let name = entry.file_name().unwrap().to_str().unwrap();
    std::fs::rename(&entry, entry.with_file_name(format!(".tmp-{name}-1-0"))).unwrap();
    let program = world.program(&hello(), &Facts::default());
    assert_eq!(run(Runner::new(&program)).stdout, b"!");
    assert!(entry.exists());
}

#[test]
fn a_cache_that_cannot_be_written_slows_down_and_no_more() {
    let world = World::new();
    std::fs::create_dir_all(world.home.cache_dir()).unwrap();
    std::fs::write(world.home.code_dir(), "not a directory").unwrap();
    let program = world.program(&hello(), &Facts::default());
    assert_eq!(run(Runner::new(&program)).stdout, b"!");
}
