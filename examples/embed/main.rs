//! An application that runs plugins of others; see README.md.

#![expect(clippy::print_stdout, reason = "a command-line program prints")]

use std::error::Error;
use std::thread;

use serde_json::json;
use zero_format::{Artifact, Kind, Metadata, Package, SecretKey, Verified, assemble, sign, verify};
use zrun::{Cancel, EngineOptions, Functions, Guest, Program, RunError, Runner};

/// A plugin asks the application for a price by name, and says what an order is worth.
const PLUGIN: &str = r#"(module
    (import "shop" "price" (func $price (param i32 i32) (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 0) "tea")
    (func (export "order") (param $count i64) (result i64)
        (i64.mul (local.get $count) (call $price (i32.const 0) (i32.const 3)))))"#;

/// Another one tells the application that it begins, and never ends.
const ENDLESS: &str = r#"(module
    (import "shop" "begins" (func $begins))
    (func (export "order") (param i64) (result i64)
        (call $begins) (loop $again (br $again)) (unreachable)))"#;

fn main() -> Result<(), Box<dyn Error>> {
    let shop = Functions::default().function("shop", "price", price);
    let options = EngineOptions {
        // Four threads run the plugin at once.
        instances: 4,
        ..EngineOptions::default()
    };
    let plugin = Program::compile(&received(PLUGIN)?, options)?.with_functions(shop);
    println!(
        "tea costs {}, three cost {}",
        order(&plugin, 1)?,
        order(&plugin, 3)?
    );

    let worth = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..250)
                        .map(|count| order(&plugin, count % 10 + 1))
                        .try_fold(0, |sum, one| Ok::<_, RunError>(sum + one?))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| "a thread panicked")?
                    .map_err(Into::into)
            })
            .sum::<Result<i64, Box<dyn Error>>>()
    })?;
    println!("1000 orders, worth {worth}");

    let cancel = Cancel::default();
    let button = cancel.clone();
    let shop = Functions::default().function("shop", "begins", move |_: &mut Guest<'_>| {
        // Another thread loses its patience.
        let button = button.clone();
        thread::spawn(move || button.cancel());
    });
    let endless = Program::compile(&received(ENDLESS)?, EngineOptions::default())?;
    let endless = endless.with_functions(shop);
    match Runner::new(&endless)
        .cancel(&cancel)
        .call("order", &[json!(1)])
    {
        Ok(called) => println!("it ended with {}", called.to_json()),
        Err(error) => println!("the endless plugin was stopped: {error}"),
    }
    Ok(())
}

/// What the application answers its plugins.
fn price(guest: &mut Guest<'_>, name: u32, len: u32) -> wasmtime::Result<i64> {
    match guest.read(name, len)?.as_slice() {
        b"tea" => Ok(400),
        other => Err(wasmtime::Error::msg(format!("no price for {other:?}"))),
    }
}

/// Each order runs in a new instance, with nothing but what it was given.
fn order(plugin: &Program, count: i64) -> Result<i64, RunError> {
    let called = Runner::new(plugin).call("order", &[json!(count)])?;
    Ok(called.to_json().as_i64().unwrap_or_default())
}

/// Stands for a file that a publisher made with `cargo zero build` and whose key the application knows.
fn received(text: &str) -> Result<Verified<Artifact>, Box<dyn Error>> {
    let publisher = SecretKey::generate([7; 40]);
    let package = Package::new("plugin".parse()?, "1.0.0".parse()?);
    let metadata = Metadata::new(Kind::Module, package);
    let file = sign(
        &assemble(&wat::parse_str(text)?, &metadata, None)?,
        &[&publisher],
    )?;
    Ok(verify(Artifact::decode(file)?, &[publisher.public_key()])?)
}
