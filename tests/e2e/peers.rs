//! Other people's programs accept what we make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Run, World};
use crate::packages::prints;

const EXAMPLES: [&str; 6] = ["csvstat", "echo", "fetch", "hamming", "hello-wat", "shout"];

pub(crate) fn example(world: &World, name: &str) -> PathBuf {
    let manifest = world
        .host()
        .root()
        .join("examples")
        .join(name)
        .join("Zero.toml");
    let artifact = world.path(format!("{name}.zero"));
    world.build(&manifest, &artifact).code(0);
    artifact
}

#[test]
fn wasm_tools_finds_every_example_valid() {
    let world = World::new();
    world.make_key("home");
    for name in EXAMPLES {
        let artifact = example(&world, name);
        let Some(mut wasm_tools) = world.peer("wasm-tools") else {
            return;
        };
        Run::of(wasm_tools.arg("validate").arg(&artifact)).code(0);
    }
}

#[test]
fn wasmtime_runs_the_examples_unchanged() {
    let world = World::new();
    world.make_key("home");
    let data = world.write("data.csv", "name,size\na,1\nb,3\n");
    let csvstat = example(&world, "csvstat");
    let ours = world
        .zrun([
            "--allow-declared".as_ref(),
            csvstat.as_os_str(),
            "data.csv".as_ref(),
        ])
        .code(0)
        .says("size");
    let Some(mut wasmtime) = world.peer("wasmtime") else {
        return;
    };
    let folder = data.parent().expect("it lies in a folder");
    let theirs = Run::of(
        wasmtime
            .args(["run", "--dir"])
            .arg(format!("{}::.", folder.display()))
            .arg(&csvstat)
            .arg("data.csv"),
    )
    .code(0);
    assert_eq!(theirs.stdout, ours.stdout);
    for (name, said) in [("hello-wat", "hello, world"), ("shout", "HELLO THERE!")] {
        let artifact = example(&world, name);
        let Some(mut wasmtime) = world.peer("wasmtime") else {
            return;
        };
        Run::of(wasmtime.arg("run").arg(&artifact).args(["hello", "there"]))
            .code(0)
            .says(said);
    }
}

#[test]
fn wasmsign2_accepts_the_embedded_signature() {
    let world = World::new();
    let public = world.make_key("home");
    let artifact = world.built("hi", "1.0.0", &prints("hi\n"), "");
    // Its public key file: a 1 byte (Ed25519), then the 32 bytes that end minisign's line.
    let raw = crate::harness::unbase64(&public);
    let key = world.write("wasmsign2.pub", [&[1], &raw[raw.len() - 32..]].concat());
    let verify = |file: &Path| {
        let mut command = world.peer("wasmsign2")?;
        Some(Run::of(
            command
                .arg("verify")
                .arg("-K")
                .arg(&key)
                .arg("-i")
                .arg(file),
        ))
    };
    let Some(run) = verify(&artifact) else { return };
    run.code(0);
    let mut bytes = fs::read(&artifact).expect("it was just written");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let broken = world.write("broken.zero", bytes);
    let run = verify(&broken).expect("it was there before");
    assert_ne!(run.code, Some(0), "{run}");
}

#[test]
fn minisign_accepts_blobs_events_and_roots() {
    let world = World::new();
    let publisher = world.make_key("home");
    let registry = world.init_registry("registry");
    for version in ["1.0.0", "1.1.0"] {
        world.package("hi", version, &prints("hi\n"), "");
        world
            .publish("home", &format!("hi-{version}"), "demo")
            .code(0);
    }
    let verify = |key: &str, message: &Path, signature: &Path| {
        let mut command = world.peer("minisign")?;
        Some(Run::of(
            command
                .arg("-V")
                .arg("-P")
                .arg(key)
                .arg("-m")
                .arg(message)
                .arg("-x")
                .arg(signature),
        ))
    };
    let mut seen = [0; 3];
    for file in world.files("registry") {
        let name = file
            .file_name()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let kind = file
            .strip_prefix(world.path("registry"))
            .expect("it is below")
            .components()
            .next();
        let kind = kind
            .expect("it has a first part")
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let ends = |extension: &str| file.extension().is_some_and(|e| e == extension);
        match kind.as_str() {
            "blob" if ends("zero") => {
                let Some(run) = verify(&publisher, &file, &file.with_extension("zero.minisig"))
                else {
                    return;
                };
                run.code(0);
                seen[0] += 1;
            }
            "root" if ends("minisig") => {
                let stem = name.split(".json").next().expect("split yields something");
                let Some(run) = verify(
                    &registry.root_key,
                    &file.with_file_name(format!("{stem}.json")),
                    &file,
                ) else {
                    return;
                };
                run.code(0);
                seen[1] += 1;
            }
            "pkg" => {
                for (number, line) in fs::read_to_string(&file)
                    .expect("chains are text")
                    .lines()
                    .enumerate()
                {
                    let event = world.write("event.jsonl", format!("{line}\n"));
                    let Some(body) = jq(&world, ".e", &event) else {
                        return;
                    };
                    let message = world.write(&format!("{number}.e"), body);
                    let signature = world.write(
                        &format!("{number}.s"),
                        jq(&world, ".s[0]", &event).expect("jq was there"),
                    );
                    let Some(run) = verify(&publisher, &message, &signature) else {
                        return;
                    };
                    run.code(0);
                    seen[2] += 1;
                }
            }
            _ => {}
        }
    }
    // Two programs; one root; the chain after each publish: a claim and a release, then one more release.
    assert_eq!(seen, [2, 1, 5]);
}

fn jq(world: &World, filter: &str, file: &Path) -> Option<Vec<u8>> {
    let mut command: Command = world.peer("jq")?;
    let output = command
        .arg("-r")
        .arg(filter)
        .arg(file)
        .output()
        .expect("jq starts");
    assert!(output.status.success());
    // The signature is a text of its own lines; jq ends it with one more.
    let mut bytes = output.stdout;
    if filter != ".e" {
        while bytes.ends_with(b"\n\n") {
            bytes.pop();
        }
    }
    Some(bytes)
}

#[test]
fn sha256sum_agrees_with_every_content_addressed_name() {
    let world = World::new();
    world.make_key("home");
    world.init_registry("registry");
    for name in ["one", "two"] {
        world.package(name, "1.0.0", &prints(name), "");
        world
            .publish("home", &format!("{name}-1.0.0"), "demo")
            .code(0);
    }
    let mut checked = 0;
    for file in world.files("registry") {
        let stem = file
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let plain = file.extension().is_none_or(|e| e != "minisig");
        if plain && stem.len() == 64 && stem.bytes().all(|b| b.is_ascii_hexdigit()) {
            let Some(mut sha256sum) = world.peer("sha256sum") else {
                return;
            };
            let run = Run::of(sha256sum.arg(&file)).code(0);
            let (folder, path) = (file.parent().expect("it has a folder"), file.display());
            assert!(
                run.stdout.starts_with(&stem),
                "{path} is called by another digest: {}",
                run.stdout
            );
            assert!(
                stem.starts_with(&*folder.file_name().expect("it has a name").to_string_lossy()),
                "{path}"
            );
            checked += 1;
        }
    }
    // Two programs, two chains, and at least one map page.
    assert!(checked >= 5, "only {checked} files were checked");
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_every_folder() {
    let world = World::new();
    world.make_key("home");
    let sources = world.host().root().join("examples/csvstat");
    let built: Vec<Vec<u8>> = ["here", "somewhere/else"]
        .iter()
        .map(|folder| {
            // Copies, so that nothing compiled before is used again.
            copy(&sources, &world.path(folder));
            let artifact = world.path(folder).join("csvstat.zero");
            let manifest = world.path(folder).join("Zero.toml");
            world.build(&manifest, &artifact).code(0);
            fs::read(artifact).expect("it was just built")
        })
        .collect();
    assert!(
        built[0] == built[1],
        "two builds of the same sources differ"
    );
}

/// Copies a folder without build outputs.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is ours");
    for entry in fs::read_dir(from).expect("it exists").flatten() {
        let into = to.join(entry.file_name());
        if entry.file_name() == "target" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &into);
        } else {
            fs::copy(entry.path(), into).expect("the folder is ours");
        }
    }
}
