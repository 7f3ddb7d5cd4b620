//! Outputs named as arguments: kept when the program ends well, whole, and only they, in preview 1 and 2 alike.

use std::path::Path;

use zero_format::{Access, Capabilities, FsRule, FsScope};
use zrun::{Asked, Refusal, RunError};

use crate::support::{Ended, Facts, World, component, module};

const ACCES: u8 = 2;

pub(crate) fn facts() -> Facts {
    let rule = FsRule {
        scope: FsScope::Args,
        access: Access::ReadWrite,
        reason: None,
    };
    Facts {
        capabilities: Capabilities {
            fs: vec![rule],
            ..Capabilities::default()
        },
        ..Facts::default()
    }
}

/// A program that writes `new` to a file below the directory of its output, then does something else.
pub(crate) fn writer(path: &str, then: &str) -> Vec<u8> {
    let len = path.len();
    module(&format!(
        r#"(data (i32.const 100) "{path}") (data (i32.const 1024) "new")
        (func (export "_start")
            (local $errno i32)
            (local.set $errno (call $path_open (i32.const 4) (i32.const 1) (i32.const 100) (i32.const {len})
                (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
            (if (i32.eqz (local.get $errno)) (then
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 3))
                (local.set $errno (call $fd_write (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))))
            (call $write (local.get $errno))
            {then})"#
    ))
}

/// Runs the module, then the same as a component, each with a file of the same old content.
fn both(old: Option<&str>, name: &str, then: &str, check: impl Fn(&World, &Path, &Ended)) {
    for wrap in [|wasm: &[u8]| wasm.to_vec(), component] {
        let world = World::new();
        let folder = world.folder("user", "beside", "secret");
        let named = folder.join("named");
        if let Some(old) = old {
            std::fs::write(&named, old).unwrap();
        }
        let wasm = wrap(&writer(name, then));
        let ended = world.run(&wasm, &facts(), &Asked::default(), &[&named]);
        check(&world, &named, &ended);
        let left = std::fs::read_dir(world.home.staging_dir()).unwrap().count();
        assert_eq!(left, 0, "runs leave nothing behind");
        assert_eq!(
            std::fs::read_to_string(folder.join("beside")).unwrap(),
            "secret"
        );
    }
}

fn content(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn what_a_program_wrote_is_kept_when_it_ends_well() {
    for old in [None, Some("old")] {
        both(old, "named", "", |_, named, ended| {
            assert_eq!((ended.errno(), ended.stderr.as_str()), (0, ""));
            assert_eq!(content(named), "new");
        });
    }
}

#[test]
fn what_a_program_wrote_is_not_kept_when_it_ends_badly() {
    for then in ["(call $proc_exit (i32.const 3))", "unreachable"] {
        both(Some("old"), "named", then, |_, named, ended| {
            assert_eq!(ended.errno(), 0);
            assert_eq!(content(named), "old");
            let line = format!("zrun: not kept: {} — the program ended", named.display());
            assert!(ended.stderr.contains(&line), "{}", ended.stderr);
        });
        both(None, "named", then, |_, named, _| assert!(!named.exists()));
    }
}

#[test]
fn what_lies_beside_an_output_is_neither_seen_nor_changed() {
    both(Some("old"), "beside", "", |_, named, ended| {
        assert_eq!(ended.errno(), 0);
        assert_eq!(content(named), "old");
        assert!(
            ended.stderr.starts_with("zrun: not kept: /"),
            "{}",
            ended.stderr
        );
    });
}

#[test]
fn refused_arguments_are_no_outputs() {
    let world = World::new();
    let named = world.path("named");
    let asked = Asked {
        deny: vec![Refusal::Args],
        ..Asked::default()
    };
    // Without outputs the only directory is the root.
    let wasm = crate::support::open(3, "named", crate::support::CREATE);
    let ended = world.run(&wasm, &facts(), &asked, &[&named]);
    assert_eq!(ended.errno(), ACCES);
    assert!(!named.exists());
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_of_its_own() {
    let world = World::new();
    // The kernel lets nobody make files there, whoever asks.
    let named = Path::new("/proc/named");
    if !Path::new("/proc/self").exists() {
        return;
    }
    let ended = world.run(&writer("named", ""), &facts(), &Asked::default(), &[named]);
    let error = ended.outcome.unwrap_err();
    assert!(matches!(error, RunError::Output(_)), "{error:?}");
    assert_eq!(error.exit_code(), zrun::exit::FAILED);
    assert!(error.hint().is_some());
}
