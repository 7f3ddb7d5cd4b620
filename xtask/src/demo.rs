//! `cargo xtask demo`: from source code to a verified run on another machine, each step as a person would type it.
//!
//! Every step states what it expects; the demo fails when anything differs.

mod person;

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Context as _;
use crate::setup::{self, Need};
use crate::{Failure, Host, Nginx, Result, chores, shell};
use person::{Expect, Person};

/// The package, as it is in `examples/`, and the version that follows it.
const PACKAGE: &str = "csvstat";
const FIRST: &str = "1.2.0";
const SECOND: &str = "1.2.3";

/// A package that wants the clock.
const MOMENT: [(&str, &str); 2] = [
    ("Zero.toml", include_str!("demo/moment/Zero.toml")),
    ("moment.wat", include_str!("demo/moment/moment.wat")),
];

/// Runs the whole story in a temporary folder.
pub(crate) fn run(host: &Host) -> Result<()> {
    setup::ensure(host, &[Need::Cpp, Need::WasmTarget, Need::Demo])?;
    shell::title("Build Zero itself");
    chores::build(host)?;
    let scratch = Scratch::create()?;
    let publisher = Person::new(host, "publisher", scratch.path())?;
    let reader = Person::new(host, "reader", scratch.path())?;
    let registry = scratch.path().join("registry");

    shell::title("A key and a registry: one static directory");
    let root_key = publish_side(&publisher, host, scratch.path())?;

    shell::title("Any web server serves it: here Debian's nginx");
    let nginx = Nginx::start(host, &registry, &scratch.path().join("nginx"))?;
    println!(
        "# nginx -c {}  →  {}",
        shortened(nginx.config(), scratch.path()),
        nginx.url()
    );
    reader_side(&reader, host, &nginx.url(), &root_key)?;

    shell::title("A mirror that lies");
    tampered(&publisher, host, &scratch, &root_key)?;

    drop(nginx);
    shell::title("The web server is gone; what was fetched still runs");
    reader.does(
        &[
            "cargo",
            "zero",
            "run",
            "--offline",
            "csvstat@1.2",
            "--",
            "data.csv",
        ],
        &Expect::code(0).says("population"),
    )?;
    println!("\nThe demo is complete: every step did what it should.");
    Ok(())
}

/// Builds and publishes two versions; returns the registry's root key.
fn publish_side(publisher: &Person, host: &Host, scratch: &Path) -> Result<String> {
    let registry = "../registry";
    publisher.does(
        &["cargo", "zero", "key", "generate", "--no-password"],
        &Expect::code(0),
    )?;
    let said = publisher.does(
        &[
            "zero-registry",
            "init",
            registry,
            "--origin",
            "registry.example/demo",
            "--no-password",
        ],
        &Expect::code(0),
    )?;
    let root_key = said
        .split(|c: char| c.is_whitespace() || c == '"' || c == ',')
        .find(|word| word.starts_with("RW") && word.len() == 56)
        .ok_or_else(|| Failure::new("zero-registry init printed no root key"))?
        .to_owned();
    publisher.does(
        &[
            "cargo",
            "zero",
            "registry",
            "add",
            "demo",
            registry,
            "--root-key",
            "root.pub",
            "--log-key",
            "log.key",
        ],
        &Expect::code(0),
    )?;
    let source = host.root().join("examples").join(PACKAGE);
    copy_tree(&source, &publisher.dir().join(PACKAGE))?;
    let project = publisher.at(PACKAGE);
    for version in [FIRST, SECOND] {
        shell::title(&format!("{PACKAGE} {version}: build, sign, publish"));
        set_version(&scratch.join("publisher").join(PACKAGE), version)?;
        project.does(&["cargo", "zero", "build"], &Expect::code(0).says(version))?;
        project.does(
            &["cargo", "zero", "publish"],
            &Expect::code(0).says(version),
        )?;
    }
    shell::title("A second package, written by hand");
    let moment = publisher.at("moment");
    fs::create_dir(moment.dir()).context(|| "create moment".to_owned())?;
    for (name, text) in MOMENT {
        fs::write(moment.dir().join(name), text).context(|| format!("write {name}"))?;
    }
    moment.does(
        &["cargo", "zero", "publish"],
        &Expect::code(0).says("moment 1.0.0"),
    )?;
    publisher.does(&["zero-registry", "verify", registry], &Expect::code(0))?;
    Ok(root_key)
}

/// Another person, who knows only the address and the root key.
fn reader_side(reader: &Person, host: &Host, url: &str, root_key: &str) -> Result<()> {
    let data = host.root().join("examples").join(PACKAGE).join("data.csv");
    fs::copy(&data, reader.dir().join("data.csv")).context(|| "copy data.csv".to_owned())?;
    shell::title("Another machine: it pins only the registry's root key");
    reader.does(
        &[
            "cargo",
            "zero",
            "registry",
            "add",
            "demo",
            url,
            "--root-key",
            root_key,
        ],
        &Expect::code(0),
    )?;
    shell::title(
        "The main job: fetch, verify, run. Naming data.csv grants that file, to read, and nothing else",
    );
    reader.does(
        &["cargo", "zero", "run", "csvstat@1.2", "--", "data.csv"],
        &Expect::code(0)
            .says(SECOND)
            .says("population")
            .says("1495013.800"),
    )?;
    reader.does(
        &["cargo", "zero", "run", "csvstat@1.2.0", "--", "--version"],
        &Expect::code(0).says(FIRST),
    )?;
    shell::title("The same again with the runner alone: warm, no network, no compilation");
    reader.does(
        &["zrun", "csvstat@1.2", "--", "data.csv"],
        &Expect::code(0).says("1495013.800"),
    )?;
    shell::title(
        "Denied for this run: the program sees an error, the person sees why, and what would allow it",
    );
    reader.does(
        &["zrun", "--deny-fs", "csvstat@1.2", "--", "data.csv"],
        &Expect::failure().says("--deny-fs"),
    )?;
    shell::title(
        "A program that wants the clock: nothing is granted unasked, and without a terminal the answer is No",
    );
    reader.does(
        &["cargo", "zero", "run", "moment"],
        &Expect::code(126).says("--allow-declared"),
    )?;
    reader.does(
        &["cargo", "zero", "run", "--allow-clock", "moment"],
        &Expect::code(0).says("I can see the clock."),
    )?;
    reader.does(
        &["cargo", "zero", "run", "--deny-clock", "moment"],
        &Expect::code(0)
            .says("I may not see the clock.")
            .says("--deny-clock"),
    )?;
    Ok(())
}

/// One flipped byte in a copy of the registry: refused before anything runs.
fn tampered(publisher: &Person, host: &Host, scratch: &Scratch, root_key: &str) -> Result<()> {
    let copy = scratch.path().join("mirror");
    copy_tree(&scratch.path().join("registry"), &copy)?;
    let flipped = flip_programs(&copy.join("blob"))?;
    println!("# one byte flipped in each of the {flipped} programs of a copy of the registry");
    let mirror = Nginx::start(host, &copy, &scratch.path().join("nginx-mirror"))?;
    let victim = Person::new(host, "victim", scratch.path())?;
    fs::copy(
        publisher.dir().join(PACKAGE).join("data.csv"),
        victim.dir().join("data.csv"),
    )
    .context(|| "copy data.csv".to_owned())?;
    let url = mirror.url();
    victim.does(
        &[
            "cargo",
            "zero",
            "registry",
            "add",
            "demo",
            &url,
            "--root-key",
            root_key,
        ],
        &Expect::code(0),
    )?;
    victim.does(
        &["cargo", "zero", "run", "csvstat@1.2", "--", "data.csv"],
        &Expect::code(125),
    )?;
    Ok(())
}

/// Flips a byte in the middle of each program and returns how many there were.
fn flip_programs(dir: &Path) -> Result<usize> {
    let mut count = 0;
    for path in files(dir)? {
        if path.extension().is_some_and(|e| e == "zero") {
            let mut bytes = fs::read(&path).context(|| format!("read {}", path.display()))?;
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
            fs::write(&path, bytes).context(|| format!("write {}", path.display()))?;
            count += 1;
        }
    }
    if count == 0 {
        return Err(Failure::new("the registry holds no program to tamper with"));
    }
    Ok(count)
}

/// Moves the project to another version, in Cargo.toml, Cargo.lock and Zero.toml alike.
fn set_version(project: &Path, version: &str) -> Result<()> {
    for name in ["Cargo.toml", "Cargo.lock", "Zero.toml"] {
        let path = project.join(name);
        let text = fs::read_to_string(&path).context(|| format!("read {}", path.display()))?;
        let named = format!("name = \"{PACKAGE}\"");
        let (head, tail) = text
            .split_once(&named)
            .ok_or_else(|| Failure::new(format!("{name} does not say {named}")))?;
        let tail = tail.replacen(
            &format!("version = \"{FIRST}\""),
            &format!("version = \"{version}\""),
            1,
        );
        fs::write(&path, format!("{head}{named}{tail}"))
            .context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Copies a folder without build outputs.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for path in files(from)? {
        let relative = path.strip_prefix(from).unwrap_or(&path);
        let into = to.join(relative);
        if let Some(parent) = into.parent() {
            fs::create_dir_all(parent).context(|| format!("create {}", parent.display()))?;
        }
        fs::copy(&path, &into).context(|| format!("copy {}", path.display()))?;
    }
    Ok(())
}

/// All files below a folder, build outputs left out.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir).context(|| format!("read {}", dir.display()))? {
            let path = entry.context(|| format!("read {}", dir.display()))?.path();
            if !path.is_dir() {
                found.push(path);
            } else if !path.ends_with("target") {
                pending.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn shortened(path: &Path, base: &Path) -> String {
    path.strip_prefix(base)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A temporary folder, removed with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("zero-demo-{}", std::process::id()));
        fs::create_dir(&path).context(|| format!("create {}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
