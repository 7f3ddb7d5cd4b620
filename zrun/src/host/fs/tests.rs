//! What the file system shows and how failed calls are judged.

use super::*;
use crate::host::denial::Denied;

fn view(grants: &[(&str, Access)]) -> View {
    let mut preopens: Vec<_> = grants
        .iter()
        .map(|(guest, access)| {
            Preopen::granted(&FsGrant {
                host: PathBuf::new(),
                guest: guest.parse().unwrap(),
                access: *access,
            })
        })
        .collect();
    preopens.push(Preopen {
        host: PathBuf::new(),
        guest: "/".to_owned(),
        perms: FsPerms::ReadOnly,
        place: Place::Root,
    });
    View {
        preopens,
        ..View::default()
    }
}

#[test]
fn paths_join_by_their_text() {
    assert_eq!(join("/", "etc/passwd"), ("/etc/passwd".to_owned(), false));
    assert_eq!(join("/data", "../etc"), ("/etc".to_owned(), true));
    assert_eq!(join("/data", "a/../b/."), ("/data/b".to_owned(), false));
    assert_eq!(join("/", "../x"), ("/x".to_owned(), false));
}

#[test]
fn absence_in_the_root_is_a_denial_and_elsewhere_it_is_absence() {
    let view = view(&[("/data/in", Access::Read)]);
    let root = view
        .judge("/", "etc/passwd", Intent::Read, Failure::NotFound)
        .unwrap();
    assert!(root.as_access);
    assert_eq!(
        root.denied,
        Denied::Read {
            path: "/etc/passwd".to_owned()
        }
    );
    assert_eq!(
        view.judge("/data/in", "x", Intent::Read, Failure::NotFound),
        None
    );
    assert_eq!(
        view.judge("/", "data", Intent::Read, Failure::NotFound),
        None
    );
    assert_eq!(view.judge("/", "x", Intent::Read, Failure::Other), None);
}

#[test]
fn writing_to_a_read_only_grant_and_climbing_out_are_told_apart() {
    let view = view(&[("/ro", Access::Read), ("/rw", Access::ReadWrite)]);
    let judge = |base, path, intent| {
        view.judge(base, path, intent, Failure::NotPermitted)
            .map(|v| v.denied)
    };
    assert_eq!(
        judge("/ro", "x", Intent::Write),
        Some(Denied::Write {
            path: "/ro/x".to_owned()
        })
    );
    assert_eq!(judge("/rw", "x", Intent::Write), None);
    assert_eq!(
        judge("/rw", "../x", Intent::Write),
        Some(Denied::Escape {
            path: "/x".to_owned()
        })
    );
    assert_eq!(
        judge("/ro", "link", Intent::Read),
        Some(Denied::Escape {
            path: "/ro/link".to_owned()
        })
    );
}

fn staged(dir: &Path, args: &[&Path]) -> (View, Vec<String>) {
    let args: Vec<_> = args.iter().map(|arg| arg.as_os_str().to_owned()).collect();
    let grants = Grants {
        args: Some(Access::Read),
        ..Grants::default()
    };
    View::build(&dir.join("cache"), &grants, None, &args).unwrap()
}

#[test]
fn a_named_file_is_visible_alone_and_gone_after_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let named = dir.path().join("data.csv");
    fs::write(&named, "content").unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    let (view, args) = staged(dir.path(), &[&named, dir.path(), Path::new("--flag")]);
    assert_eq!(
        args,
        [
            named.to_str().unwrap(),
            dir.path().to_str().unwrap(),
            "--flag"
        ]
    );
    let root = view.preopens()[0].host.clone();
    let seen = root.join(named.strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(&seen).unwrap(), "content");
    assert_eq!(fs::read_dir(seen.parent().unwrap()).unwrap().count(), 1);
    drop(view);
    assert!(!root.exists() && named.exists());
}

#[cfg(unix)]
#[test]
fn a_link_given_as_an_argument_shows_its_target_only() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    fs::write(&target, "content").unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let (view, _) = staged(dir.path(), &[&link]);
    let seen = view.preopens()[0]
        .host
        .join(link.strip_prefix("/").unwrap());
    assert!(fs::symlink_metadata(&seen).unwrap().is_file());
    assert_eq!(fs::read_to_string(&seen).unwrap(), "content");
}

#[test]
fn a_path_with_dots_is_renamed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("x"), "content").unwrap();
    let (view, args) = staged(dir.path(), &[&dir.path().join("sub/../x")]);
    assert_eq!(args, ["/args/0/x"]);
    assert!(view.preopens()[0].host.join("args/0/x").exists());
}

#[test]
fn leftovers_of_dead_runs_are_swept() {
    let dir = tempfile::tempdir().unwrap();
    let all = dir.path().join("staging");
    fs::create_dir_all(all.join("4294967295-0")).unwrap();
    let staging = Staging::create(dir.path()).unwrap();
    assert!(!all.join("4294967295-0").exists());
    assert!(staging.path().exists());
}

#[test]
fn what_a_killed_run_left_beside_its_places_is_swept_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let dead = dir.path().join("staging/4294967295-0");
    fs::create_dir_all(dead.join("root/a/b")).unwrap();
    let (waiting, other) = (
        dir.path().join(".out.zrun-4294967295-0"),
        dir.path().join("other"),
    );
    fs::write(&waiting, "half").unwrap();
    fs::write(&other, "precious").unwrap();
    let list = format!("{}\0{}\0", waiting.display(), other.display());
    fs::write(dead.join("beside"), list).unwrap();
    Staging::create(dir.path()).unwrap();
    assert!(!dead.exists() && !waiting.exists() && other.exists());
}

#[test]
fn a_nest_deeper_than_a_path_is_long_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::create(dir.path()).unwrap();
    let path = staging.path().to_owned();
    let mut deepest = directory::Directory::open(&staging.root()).unwrap();
    for _ in 0..3000 {
        deepest = deepest.make("deep".as_ref()).unwrap();
    }
    drop(staging);
    assert!(!path.exists());
    assert_eq!(fs::read_dir(dir.path().join("staging")).unwrap().count(), 0);
}

#[test]
fn a_named_directory_is_used_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let named = dir.path().join("named");
    fs::create_dir_all(named.join("sub")).unwrap();
    fs::write(named.join("sub/x"), "content").unwrap();
    let (view, args) = staged(
        dir.path(),
        &[
            &named,
            &named.join("sub/x"),
            &dir.path().join("named/../named/sub/x"),
        ],
    );
    assert_eq!(args[0], named.to_str().unwrap());
    assert_eq!(args[1], named.join("sub/x").to_str().unwrap());
    assert_eq!(args[2], "/args/2/x");
    let [root, tree] = view.preopens() else {
        panic!("{view:?}")
    };
    assert_eq!((root.place, tree.place), (Place::Root, Place::Granted));
    assert_eq!(tree.guest, named.to_str().unwrap());
    assert_eq!(tree.perms, FsPerms::ReadOnly);
    let staged: Vec<_> = fs::read_dir(&root.host).unwrap().flatten().collect();
    assert_eq!(staged.len(), 1, "only what is not visible in place");
}

#[test]
fn the_whole_machine_and_the_state_of_the_runtime_are_not_named_by_words() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    fs::create_dir(&cache).unwrap();
    let (view, args) = staged(dir.path(), &[Path::new("/"), dir.path(), &cache]);
    assert_eq!(args[0], "/");
    assert_eq!(view.preopens().len(), 1);
}

#[test]
fn the_path_in_an_option_is_named_as_well_and_a_dash_is_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("x"), "content").unwrap();
    let plain = format!("--input={}", dir.path().join("x").display());
    let moved = format!("--input={}", dir.path().join("sub/../x").display());
    let (view, args) = staged(
        dir.path(),
        &[plain.as_ref(), moved.as_ref(), "-".as_ref(), "-=".as_ref()],
    );
    assert_eq!(args, [plain.as_str(), "--input=/args/1/x", "-", "-="]);
    assert!(view.preopens()[0].host.join("args/1/x").exists());
}

#[test]
fn a_directory_that_holds_the_state_of_the_runtime_is_not_granted_for_writing() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    fs::create_dir(&cache).unwrap();
    let grant = |access| Grants {
        fs: vec![FsGrant {
            host: dir.path().to_owned(),
            guest: "/d".parse().unwrap(),
            access,
        }],
        ..Grants::default()
    };
    let error = View::build(&cache, &grant(Access::ReadWrite), None, &[]).unwrap_err();
    assert!(matches!(&error, ViewError::HoldsState { .. }) && error.hint().is_some());
    assert!(View::build(&cache, &grant(Access::Read), None, &[]).is_ok());
}

#[test]
fn a_single_file_cannot_be_granted_for_writing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, "").unwrap();
    let fs = vec![FsGrant {
        host: file,
        guest: "/f".parse().unwrap(),
        access: Access::ReadWrite,
    }];
    let grants = Grants {
        fs,
        ..Grants::default()
    };
    let error = View::build(dir.path(), &grants, None, &[]).unwrap_err();
    assert!(matches!(&error, ViewError::WritableFile { .. }) && error.hint().is_some());
}
