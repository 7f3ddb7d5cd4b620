//! A registry whose writers, service, mirror and readers are killed at random moments, over and over:
//! whatever was confirmed is there, every state that anybody sees is whole and none older than the
//! one before, and nobody repairs anything by hand (spec/registry.md, "Writers").
//!
//! `ZERO_SOAK_KILLS` says how many kills, `ZERO_SOAK_SEED` which moments are chosen:
//! `cargo xtask soak 1000 7`.
#![cfg(all(unix, feature = "server", feature = "http"))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

#[path = "../support/mod.rs"]
mod support;

mod actor;
mod bucket;
mod lives;
mod releases;
mod service;

use std::{collections::BTreeMap, fs, path::Path, thread};

use actor::{Part, Role};
use lives::{Lives, Soak};
use releases::{Confirmed, now, registry_root};
use support::registry::{LOG, ROOT, key};
use zero_registry::{DirStorage, DirWriter, Init, VerifyOptions, init, verify_registry};

/// Writers that write to the directory themselves.
const WRITERS: usize = 2;
/// The longest life of a process that is killed by the clock, in milliseconds. Some die before they
/// have done anything.
const LONGEST: u64 = 700;
/// A writer that is killed by its own count dies before one of so many writes: three commits or four.
const WRITES: u64 = 80;

#[test]
fn whoever_is_killed_at_random_loses_and_tears_nothing() {
    let soak = Soak::from_environment();
    let world = tempfile::tempdir().unwrap();
    let registry = world.path().join("registry");
    let copy = world.path().join("copy");
    let start = Init::signed(registry_root(), &[&key(ROOT)]).unwrap();
    init(&registry, &start, key(LOG), now()).unwrap();
    fs::write(
        world.path().join("log.key"),
        key(LOG).to_file_text(None, [0; 32]).as_bytes(),
    )
    .unwrap();
    mirror_once(world.path());

    let confirmed = Confirmed::default();
    let mut pending = Vec::new();
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let part = Part::new(world.path(), &format!("writer-{number}"));
            let (lives, confirmed, registry) = (soak.lives("writers"), &confirmed, &registry);
            scope.spawn(move || writer(&lives, &part, number, registry, confirmed));
        }
        for (name, place) in [("reader", &registry), ("reader-of-copy", &copy)] {
            let part = Part::new(world.path(), name);
            let lives = soak.lives("readers");
            // The copy is behind: what it has to have already is not known.
            let confirmed = (place == &registry).then_some(&confirmed);
            scope.spawn(move || reader(&lives, &part, place, confirmed));
        }
        let (lives, folder) = (soak.lives("mirrors"), world.path());
        scope.spawn(move || mirror(&lives, folder));
        pending = service::soak(&soak.lives("services"), folder, &confirmed);
    });

    service::end_in_peace(world.path(), pending, &confirmed);
    mirror_once(world.path());
    assert_eq!(
        fs::read(registry.join("head")).unwrap(),
        fs::read(copy.join("head")).unwrap()
    );
    for place in [&registry, &copy] {
        check(place, &confirmed);
    }
    soak.report(&confirmed);
}

/// A writer after the other; each goes on where the one before was killed.
fn writer(lives: &Lives, part: &Part, number: usize, registry: &Path, confirmed: &Confirmed) {
    let mut dice = lives.dice(number);
    while lives.go_on() {
        let last_write = dice.toss().then(|| dice.below(WRITES) + 1);
        let role = Role::Writer {
            registry: registry.to_owned(),
            name: format!("writer-{number}"),
            last_write,
        };
        let longest = if last_write.is_some() {
            40 * LONGEST
        } else {
            LONGEST
        };
        let life = lives.live(&mut part.command(&role), dice.moment(longest));
        life.lines_of("wrote")
            .for_each(|line| confirmed.add_line(line));
    }
}

/// A reader after the other, all with one store: it never goes back, and is never torn.
fn reader(lives: &Lives, part: &Part, place: &Path, confirmed: Option<&Confirmed>) {
    let mut dice = lives.dice(1);
    let mut newest = 0;
    while lives.go_on() {
        let known = confirmed.map(Confirmed::newest).unwrap_or_default();
        let role = Role::Reader {
            place: place.to_owned(),
            known,
            seed: dice.below(u64::MAX),
        };
        let life = lives.live(&mut part.command(&role), dice.moment(3 * LONGEST));
        for size in life.lines_of("saw") {
            let size: u64 = size.parse().unwrap();
            assert!(size >= newest, "{size} leaves after {newest}");
            newest = size;
        }
    }
    assert!(newest > 0, "no reader has read anything");
}

/// A mirror after the other; most are killed before they have caught up.
fn mirror(lives: &Lives, world: &Path) {
    let mut dice = lives.dice(2);
    while lives.go_on() {
        lives.live(&mut mirror_command(world), dice.moment(LONGEST));
    }
}

fn mirror_command(world: &Path) -> std::process::Command {
    let mut command = service::operator(world);
    let root = key(ROOT).public_key().to_base64();
    command.args(["mirror", "registry", "copy", "--root-key", &root]);
    command
}

fn mirror_once(world: &Path) {
    assert!(mirror_command(world).status().unwrap().success());
}

/// What was confirmed is there; what is there follows from the log; and no version is missing
/// between two others.
fn check(place: &Path, confirmed: &Confirmed) {
    let report = verify_registry(&DirStorage::new(place), VerifyOptions::default()).unwrap();
    let writer = DirWriter::open(place, key(LOG)).unwrap();
    let found: BTreeMap<_, _> = confirmed
        .names()
        .into_iter()
        .map(|name| (writer.package(&name.parse().unwrap()).unwrap(), name))
        .map(|(state, name)| (name, releases::of(&state)))
        .collect();
    confirmed.assert_in(&found);
    let count: usize = found.values().map(BTreeMap::len).sum();
    let unconfirmed = usize::try_from(report.releases).unwrap() - count;
    assert!(
        unconfirmed <= WRITERS,
        "{unconfirmed} releases of packages of which none was confirmed"
    );
}
