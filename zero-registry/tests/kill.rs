//! A publisher that is killed between any two writes: nothing is lost, nothing is torn, and the
//! next writer repairs the rest (spec/registry.md, "Writers").
#![cfg(unix)]

mod support;

use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::process::{Signal, getpid, kill_process};
use support::registry::{DAY, LOG, ORIGIN, PUBLISHER, Registry, T0, artifact, key, package};
use zero_format::{Capabilities, Digest, Minisig};
use zero_registry::{
    Action, Blob, DirStorage, ReleaseInfo, SignedEvent, Submission, VerifyOptions, Writer,
    verify_registry,
};

/// Where the parent tells the child before which write to die. The child runs beside it.
const PLAN: &str = "plan";
const FOLDER: &str = "registry";

/// Publishes `tool` 1.1.0. The test below runs this in a process of its own, in a folder with a plan that says before
/// which write to die; by itself it finds no plan, and lives.
#[test]
fn a_publisher_publishes_unless_it_is_killed() {
    let Ok(plan) = fs::read_to_string(PLAN) else {
        let registry = prepared();
        publish(
            &Writer::with_storage(DirStorage::new(registry.path()), key(LOG)).expect("a writer"),
        );
        assert_eq!(releases(registry.path()), 2);
        return;
    };
    let last: u64 = plan.parse().expect("a number");
    let writes = AtomicU64::new(0);
    let storage = DirStorage::new(FOLDER).with_hook(move |_| {
        if writes.fetch_add(1, Ordering::SeqCst) + 1 == last {
            kill_process(getpid(), Signal::KILL)?;
        }
        Ok(())
    });
    publish(&Writer::with_storage(storage, key(LOG)).expect("a writer"));
}

/// `tool` 1.0.0.
fn prepared() -> Registry {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    registry
}

fn publish(writer: &Writer<DirStorage>) {
    let bytes = artifact("tool", "1.1.0");
    let action = Action::Release(Box::new(ReleaseInfo {
        version: "1.1.0".parse().expect("a version"),
        sha256: Digest::of(&bytes),
        size: bytes.len() as u64,
        runtime: "0.1.0".parse().expect("a version"),
        capabilities: Capabilities::default(),
    }));
    let state = writer.package(&package("tool")).expect("a package");
    let body = state.next(&ORIGIN.parse().expect("an origin"), T0, action);
    let event = SignedEvent::sign(&body, &[&key(PUBLISHER)]).expect("an event");
    let blob = Blob {
        minisig: Minisig::sign(&key(PUBLISHER), &bytes, "zero"),
        bytes,
    };
    let submission = Submission {
        event,
        blob: Some(blob),
    };
    writer.commit(&[submission], T0).expect("a commit");
}

fn releases(folder: &Path) -> u64 {
    let storage = DirStorage::new(folder);
    let report = verify_registry(&storage, VerifyOptions::default());
    report.expect("a sound registry").releases
}

#[test]
fn a_publisher_killed_between_any_two_writes_loses_and_tears_nothing() {
    let prepared = prepared();
    let program = env::current_exe().expect("this program");
    let mut deaths = 0;
    for last in 1.. {
        let registry = prepared.copy();
        let beside = tempfile::tempdir().expect("a folder");
        let folder = beside.path().join(FOLDER);
        std::os::unix::fs::symlink(registry.path(), &folder).expect("a link");
        fs::write(beside.path().join(PLAN), last.to_string()).expect("a plan");
        let status = Command::new(&program)
            .args(["--exact", "a_publisher_publishes_unless_it_is_killed"])
            .current_dir(beside.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("a process");
        // Before anything is repaired, readers see a whole registry: the old one or the new one.
        let seen = releases(&folder);
        if status.success() {
            assert_eq!(seen, 2);
            break;
        }
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "write {last}");
        deaths += 1;
        // The registry had five leaves: a snapshot, then two events with a snapshot each.
        let committed = folder.join("journal/5.json").exists();
        assert!(committed || seen == 1, "write {last}");
        // Whoever commits next finishes what was begun, or nothing had been begun.
        registry.refresh(T0.plus(DAY));
        assert_eq!(
            releases(&folder),
            if committed { 2 } else { 1 },
            "write {last}"
        );
        if !committed {
            let storage = DirStorage::new(&folder);
            publish(&Writer::with_storage(storage, key(LOG)).expect("a writer"));
            assert_eq!(releases(&folder), 2, "write {last}");
        }
    }
    assert!(deaths >= 20, "{deaths}");
}
