//! How many times a second one core starts a small module, calls an export of it and takes it down again: zrun with all
//! its limits and denials in place, against wasmtime alone. Prints one line of JSON for each.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to clean up, and prints"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module,
    PoolingAllocationConfig, Store,
};
use zero_format::{Artifact, Kind, Metadata, Package, SecretKey};
use zrun::{EngineOptions, Program, Runner};

const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (data (i32.const 64) "a small module has some data")
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;
const PLACES: u32 = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(500);

fn main() {
    let wasm = wat::parse_str(MODULE).unwrap();
    let pooled = program(&wasm, PLACES);
    let demand = program(&wasm, 0);
    let plain = plain(&wasm);
    let call = |program: &Program| {
        let called = Runner::new(program).call("add", &[json!(2), json!(3)]);
        assert_eq!(called.unwrap().to_json(), Value::from(5));
    };
    for (name, step) in [
        ("zrun, places prepared", &(|| call(&pooled)) as &dyn Fn()),
        ("zrun, room made for each", &|| call(&demand)),
        ("wasmtime, pooling allocator", &|| alone(&plain)),
    ] {
        let best = (0..ROUNDS).map(|_| rate(step)).fold(0.0, f64::max);
        println!("{}", json!({ "name": name, "per_second": best.round() }));
    }
}

/// Steps a second in one round.
fn rate(step: &dyn Fn()) -> f64 {
    let began = Instant::now();
    let mut steps = 0.0;
    while began.elapsed() < ROUND {
        for _ in 0..100 {
            step();
        }
        steps += 100.0;
    }
    steps / began.elapsed().as_secs_f64()
}

fn program(wasm: &[u8], instances: u32) -> Program {
    let package = Package::new("small".parse().unwrap(), "1.0.0".parse().unwrap());
    let metadata = Metadata::new(Kind::Module, package);
    let key = SecretKey::generate([7; 40]);
    let unsigned = zero_format::assemble(wasm, &metadata, None).unwrap();
    let signed = zero_format::sign(&unsigned, &[&key]).unwrap();
    let artifact = Artifact::decode(signed).unwrap();
    let verified = zero_format::verify(artifact, &[key.public_key()]).unwrap();
    let options = EngineOptions {
        instances,
        ..EngineOptions::default()
    };
    Program::compile(&verified, options).unwrap()
}

/// What a careful user of wasmtime sets up: the same engine, no limits but the one on time.
fn plain(wasm: &[u8]) -> InstancePre<()> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(PLACES)
        .total_memories(PLACES)
        .total_tables(PLACES)
        .linear_memory_keep_resident(64 << 10);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, wasm).unwrap();
    Linker::new(&engine).instantiate_pre(&module).unwrap()
}

fn alone(module: &InstancePre<()>) {
    let mut store = Store::new(module.module().engine(), ());
    store.set_epoch_deadline(1);
    let instance = module.instantiate(&mut store).unwrap();
    let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add");
    assert_eq!(add.unwrap().call(&mut store, (2, 3)).unwrap(), 5);
}
