//! Files: what is granted is there, and nothing else, in preview 1 and 2 alike.

use std::path::{Path, PathBuf};

use zero_format::{Access, Capabilities, FileSet, FsRule, FsScope};
use zrun::{Asked, Rule};

use crate::support::{CREATE, Facts, READ, World, cat, component, open};

const ACCES: u8 = 2;
const NOENT: u8 = 44;
const PERM: u8 = 63;

/// The sandbox's root is the first directory of every program, what was granted follows.
const ROOT: u32 = 3;
const DATA: u32 = 4;

fn declares(scope: FsScope, access: Access) -> Facts {
    let fs = vec![FsRule {
        scope,
        access,
        reason: None,
    }];
    Facts {
        capabilities: Capabilities {
            fs,
            ..Capabilities::default()
        },
        ..Facts::default()
    }
}

pub(crate) fn data(access: Access) -> Facts {
    declares(FsScope::Guest("/data".parse().unwrap()), access)
}

pub(crate) fn allow(host: &Path, access: Access) -> Asked {
    let rule = Rule::Fs {
        host: host.to_owned(),
        guest: Some("/data".parse().unwrap()),
        access,
    };
    Asked {
        allow: vec![rule],
        ..Asked::default()
    }
}

/// Runs the module, then the same as a component, and passes both ends on.
fn both(
    world: &World,
    wasm: &[u8],
    facts: &Facts,
    asked: &Asked,
    check: impl Fn(&crate::support::Ended),
) {
    check(&world.run(wasm, facts, asked, &[]));
    check(&world.run(&component(wasm), facts, asked, &[]));
}

#[test]
fn an_undeclared_file_is_denied_and_the_line_for_zero_toml_is_shown() {
    let world = World::new();
    both(
        &world,
        &open(ROOT, "etc/passwd", READ),
        &Facts::default(),
        &Asked::default(),
        |ended| {
            assert_eq!(ended.errno(), ACCES);
            assert!(
                ended
                    .stderr
                    .starts_with("zrun: denied: read /etc/passwd — "),
                "{}",
                ended.stderr
            );
            assert!(
                ended
                    .stderr
                    .contains(r#"fs = [{ guest = "/etc/passwd", access = "read" }]"#),
                "{}",
                ended.stderr
            );
        },
    );
}

#[test]
fn an_ungranted_file_is_denied_and_the_flag_is_shown() {
    let world = World::new();
    both(
        &world,
        &open(ROOT, "data/x", READ),
        &data(Access::Read),
        &Asked::default(),
        |ended| {
            assert_eq!(ended.errno(), ACCES);
            assert_eq!(
                ended.stderr,
                "zrun: denied: read /data/x — allow with --allow-fs DIR:ro=/data\n"
            );
        },
    );
}

#[test]
fn a_granted_file_is_read() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    both(
        &world,
        &cat(DATA, "x"),
        &data(Access::Read),
        &allow(&folder, Access::Read),
        |ended| {
            assert!(ended.outcome.is_ok(), "{ended:?}");
            assert_eq!(
                (ended.stdout.as_slice(), ended.stderr.as_str()),
                (b"content".as_slice(), "")
            );
        },
    );
}

#[test]
fn absence_in_a_granted_directory_is_no_denial() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    both(
        &world,
        &open(DATA, "y", READ),
        &data(Access::Read),
        &allow(&folder, Access::Read),
        |ended| {
            assert_eq!((ended.errno(), ended.stderr.as_str()), (NOENT, ""));
        },
    );
}

#[test]
fn a_read_only_grant_cannot_be_written() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    let asked = allow(&folder, Access::Read);
    for name in ["x", "new"] {
        both(
            &world,
            &open(DATA, name, CREATE),
            &data(Access::ReadWrite),
            &asked,
            |ended| {
                assert_eq!(ended.errno(), PERM);
                let line = format!(
                    "zrun: denied: write /data/{name} — allow with --allow-fs DIR:rw=/data\n"
                );
                assert_eq!(ended.stderr, line);
            },
        );
    }
    assert_eq!(
        std::fs::read_to_string(folder.join("x")).unwrap(),
        "content"
    );
    assert!(!folder.join("new").exists());
}

#[test]
fn a_grant_is_no_wider_than_the_declaration() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    both(
        &world,
        &open(DATA, "new", CREATE),
        &data(Access::Read),
        &allow(&folder, Access::ReadWrite),
        |ended| {
            assert_eq!(ended.errno(), PERM);
            assert!(
                ended.stderr.contains("does not declare"),
                "{}",
                ended.stderr
            );
        },
    );
}

#[test]
fn a_writable_grant_is_written() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    both(
        &world,
        &open(DATA, "new", CREATE),
        &data(Access::ReadWrite),
        &allow(&folder, Access::ReadWrite),
        |ended| {
            assert_eq!((ended.errno(), ended.stderr.as_str()), (0, ""));
            std::fs::remove_file(folder.join("new")).unwrap();
        },
    );
}

#[test]
fn nothing_beside_a_grant_is_reached_by_dots() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    std::fs::write(world.path("secret"), "secret").unwrap();
    for path in [
        "../secret",
        "x/../../secret",
        "../d/../secret",
        "./../secret",
    ] {
        both(
            &world,
            &open(DATA, path, READ),
            &data(Access::Read),
            &allow(&folder, Access::Read),
            |ended| {
                assert_ne!(ended.errno(), 0, "{path}");
            },
        );
    }
    both(
        &world,
        &open(DATA, "../secret", READ),
        &data(Access::Read),
        &allow(&folder, Access::Read),
        |ended| {
            assert!(
                ended
                    .stderr
                    .starts_with("zrun: denied: leave the granted directory: /secret"),
                "{}",
                ended.stderr
            );
        },
    );
}

#[cfg(unix)]
#[test]
fn nothing_outside_a_grant_is_reached_by_links() {
    let world = World::new();
    let folder = world.folder("d", "x", "content");
    std::fs::write(world.path("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(world.path("secret"), folder.join("absolute")).unwrap();
    std::os::unix::fs::symlink("../secret", folder.join("relative")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
    std::os::unix::fs::symlink("x", folder.join("inside")).unwrap();
    for path in ["absolute", "relative", "up/secret"] {
        for how in [READ, CREATE] {
            both(
                &world,
                &open(DATA, path, how),
                &data(Access::ReadWrite),
                &allow(&folder, Access::ReadWrite),
                |ended| {
                    assert_ne!(ended.errno(), 0, "{path}");
                },
            );
        }
    }
    assert_eq!(
        std::fs::read_to_string(world.path("secret")).unwrap(),
        "secret"
    );
    both(
        &world,
        &cat(DATA, "inside"),
        &data(Access::Read),
        &allow(&folder, Access::Read),
        |ended| {
            assert_eq!(ended.stdout, b"content");
        },
    );
}

/// The path by which a program that takes this argument finds it.
fn below_root(path: &Path) -> String {
    path.to_str().unwrap().trim_start_matches('/').to_owned()
}

#[test]
fn a_file_named_as_argument_is_readable_and_nothing_beside_it() {
    let world = World::new();
    let folder = world.folder("d", "named", "content");
    std::fs::write(folder.join("other"), "secret").unwrap();
    let facts = declares(FsScope::Args, Access::Read);
    let named = folder.join("named");
    for wrap in [|wasm: &[u8]| wasm.to_vec(), component] {
        let read = world.run(
            &wrap(&cat(ROOT, &below_root(&named))),
            &facts,
            &Asked::default(),
            &[&named],
        );
        assert_eq!(read.stdout, b"content", "{read:?}");
        let other = open(ROOT, &below_root(&folder.join("other")), READ);
        assert_eq!(
            world
                .run(&wrap(&other), &facts, &Asked::default(), &[&named])
                .errno(),
            ACCES
        );
        let write = open(ROOT, &below_root(&named), CREATE);
        assert_eq!(
            world
                .run(&wrap(&write), &facts, &Asked::default(), &[&named])
                .errno(),
            ACCES
        );
    }
    assert_eq!(std::fs::read_to_string(named).unwrap(), "content");
    let staging = world.home.staging_dir();
    assert_eq!(
        std::fs::read_dir(staging).unwrap().count(),
        0,
        "runs leave nothing behind"
    );
}

#[test]
fn an_argument_that_names_nothing_is_absent_and_not_denied() {
    let world = World::new();
    let absent = world.path("absent");
    let facts = declares(FsScope::Args, Access::Read);
    let read = open(ROOT, &below_root(&absent), READ);
    let ended = world.run(&read, &facts, &Asked::default(), &[&absent]);
    assert_eq!((ended.errno(), ended.stderr.as_str()), (NOENT, ""));
    let create = open(ROOT, &below_root(&absent), CREATE);
    assert_eq!(
        world
            .run(&create, &facts, &Asked::default(), &[&absent])
            .errno(),
        ACCES
    );
}

#[test]
fn arguments_are_not_files_unless_the_package_declares_so() {
    let world = World::new();
    let named = world.folder("d", "named", "content").join("named");
    let wasm = open(ROOT, &below_root(&named), READ);
    assert_eq!(
        world
            .run(&wasm, &Facts::default(), &Asked::default(), &[&named])
            .errno(),
        ACCES
    );
}

#[test]
fn a_packages_own_files_are_read_only_at_a_known_place() {
    let world = World::new();
    let mut files = FileSet::new();
    files
        .insert("greeting.txt".parse().unwrap(), b"hello".to_vec(), false)
        .unwrap();
    let facts = Facts {
        files: Some(files),
        ..Facts::default()
    };
    assert_eq!(zrun::BUNDLED, "/app");
    both(
        &world,
        &cat(DATA, "greeting.txt"),
        &facts,
        &Asked::default(),
        |ended| {
            assert_eq!(ended.stdout, b"hello");
        },
    );
    both(
        &world,
        &open(DATA, "greeting.txt", CREATE),
        &facts,
        &Asked::default(),
        |ended| {
            assert_eq!(ended.errno(), PERM);
            assert!(
                ended.stderr.contains("own files are read-only"),
                "{}",
                ended.stderr
            );
        },
    );
}

#[test]
fn a_missing_directory_is_an_error_before_the_start() {
    let world = World::new();
    let asked = allow(&PathBuf::from("/does/not/exist"), Access::Read);
    let ended = world.run(&open(DATA, "x", READ), &data(Access::Read), &asked, &[]);
    let error = ended.outcome.unwrap_err();
    assert_eq!(error.exit_code(), zrun::exit::NOT_FOUND);
}
