//! What becomes of files that a program wrote because arguments name them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use wasmtime_wasi::FsPerms;
use zero_format::Access;

use super::super::{Intent, View};
use super::OutputError;
use crate::policy::Grants;

/// A run in a directory of its own, with the part of the program played by the test.
struct Run {
    dir: tempfile::TempDir,
    view: View,
    args: Vec<String>,
}

impl Run {
    /// Files that are there before, and the arguments, all below one directory.
    fn new(before: &[(&str, &str)], args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in before {
            let path = dir.path().join("user").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        fs::create_dir_all(dir.path().join("user")).unwrap();
        let (view, args) = Self::view(&dir.path().join("cache"), &dir.path().join("user"), args);
        Self { dir, view, args }
    }

    fn view(cache: &Path, user: &Path, args: &[&str]) -> (View, Vec<String>) {
        let args: Vec<OsString> = args.iter().map(|name| user.join(name).into()).collect();
        let grants = Grants {
            args: Some(Access::ReadWrite),
            ..Grants::default()
        };
        View::build(cache, &grants, None, &args).unwrap()
    }

    fn user(&self, name: &str) -> PathBuf {
        self.dir.path().join("user").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.user(name)).unwrap()
    }

    /// Where the program finds what it knows by a guest path.
    fn private(&self, guest: &str) -> PathBuf {
        let root = self.view.staging.as_ref().unwrap().root();
        root.join(guest.trim_start_matches('/'))
    }

    /// The program writes a file.
    fn write(&mut self, guest: &str, content: &str) {
        fs::write(self.private(guest), content).unwrap();
        self.view.changed("/", guest, Intent::Write);
    }

    /// The program writes what its first argument names.
    fn write_first(&mut self, content: &str) {
        let guest = self.args[0].clone();
        self.write(&guest, content);
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir.path().join("user"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_file_that_is_not_there_yet_appears_in_the_end() {
    let mut run = Run::new(&[], &["out"]);
    run.write_first("new");
    assert!(!run.user("out").exists());
    assert_eq!(run.view.keep(u64::MAX).unwrap(), [""; 0]);
    assert_eq!(run.read("out"), "new");
    assert_eq!(run.names(), ["out"]);
}

#[test]
fn a_file_is_replaced_in_the_end_with_the_rights_it_had() {
    let mut run = Run::new(&[("in", "old")], &["in"]);
    run.write_first("new");
    assert_eq!(run.read("in"), "old");
    #[cfg(unix)]
    let mode = {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(run.user("in")).unwrap().permissions().mode()
    };
    run.view.keep(u64::MAX).unwrap();
    assert_eq!(run.read("in"), "new");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let now = fs::metadata(run.user("in")).unwrap().permissions().mode();
        assert_eq!(now, mode);
    }
}

#[test]
fn what_was_not_changed_is_not_touched() {
    let mut run = Run::new(&[("in", "same"), ("other", "x")], &["in", "other"]);
    let before = fs::metadata(run.user("in")).unwrap().modified().unwrap();
    run.write_first("same");
    run.view.keep(u64::MAX).unwrap();
    let after = fs::metadata(run.user("in")).unwrap().modified().unwrap();
    assert_eq!(before, after);
    assert!(run.view.unkept().is_empty());
}

#[test]
fn nothing_is_kept_of_a_program_that_failed() {
    let mut run = Run::new(&[("in", "old")], &["in", "out"]);
    run.write_first("new");
    let guest = run.args[1].clone();
    run.write(&guest, "new");
    assert_eq!(run.view.unkept(), run.args);
    drop(run.view);
    assert_eq!(
        fs::read_dir(run.dir.path().join("user")).unwrap().count(),
        1
    );
    assert_eq!(
        fs::read_to_string(run.dir.path().join("user/in")).unwrap(),
        "old"
    );
}

#[test]
fn a_temporary_file_that_is_renamed_becomes_the_output_and_others_are_told() {
    let mut run = Run::new(&[("in", "old")], &["in"]);
    let guest = run.args[0].clone();
    run.write(&format!("{guest}.tmp"), "new");
    run.write(&format!("{guest}.log"), "log");
    fs::rename(run.private(&format!("{guest}.tmp")), run.private(&guest)).unwrap();
    run.view.changed("/", &guest, Intent::Rename);
    assert_eq!(run.view.keep(u64::MAX).unwrap(), [format!("{guest}.log")]);
    assert_eq!(run.read("in"), "new");
    assert_eq!(run.names(), ["in"]);
}

#[test]
fn a_removed_file_stays() {
    let mut run = Run::new(&[("in", "old")], &["in"]);
    let guest = run.args[0].clone();
    fs::remove_file(run.private(&guest)).unwrap();
    run.view.changed("/", &guest, Intent::Write);
    assert_eq!(
        run.view.keep(u64::MAX).unwrap(),
        [format!("the removal of {guest}")]
    );
    assert_eq!(run.read("in"), "old");
}

#[test]
fn a_file_that_is_long_without_having_been_written_is_not_kept() {
    let mut run = Run::new(&[], &["out"]);
    run.write_first("x");
    let file = fs::File::options()
        .write(true)
        .open(run.private(&run.args[0]))
        .unwrap();
    file.set_len(1000).unwrap();
    assert!(matches!(run.view.keep(999), Err(OutputError::Limit(_))));
    assert!(!run.user("out").exists());
    assert!(run.view.keep(1000).is_ok());
}

#[test]
fn two_arguments_for_one_file_are_one_file() {
    let mut run = Run::new(&[("in", "old"), ("d/x", "")], &["in", "d/../in"]);
    assert_eq!(run.args[1], "/args/1/in");
    run.write_first("new");
    assert_eq!(
        fs::read_to_string(run.private("/args/1/in")).unwrap(),
        "new"
    );
    run.view.changed("/", "/args/1/in", Intent::Write);
    run.view.keep(u64::MAX).unwrap();
    assert_eq!(run.read("in"), "new");
}

#[test]
fn different_content_for_one_place_is_refused() {
    let mut run = Run::new(&[("d/x", "")], &["out", "d/../out"]);
    run.write_first("one");
    run.write("/args/1/out", "two");
    let error = run.view.keep(u64::MAX).unwrap_err();
    assert!(matches!(&error, OutputError::Conflict { .. }) && error.hint().is_some());
    drop(run.view);
    assert!(!run.dir.path().join("user/out").exists());
    assert_eq!(
        fs::read_dir(run.dir.path().join("user")).unwrap().count(),
        1
    );
}

#[test]
fn a_directory_that_is_not_there_yet_appears_as_a_whole_without_links() {
    let mut run = Run::new(&[], &["build"]);
    let guest = run.args[0].clone();
    fs::create_dir_all(run.private(&guest).join("sub")).unwrap();
    run.write(&format!("{guest}/sub/x"), "new");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", run.private(&guest).join("link")).unwrap();
    run.view.keep(u64::MAX).unwrap();
    assert_eq!(run.read("build/sub/x"), "new");
    assert!(run.user("build/link").symlink_metadata().is_err());
}

#[cfg(unix)]
#[test]
fn a_link_that_the_program_made_is_no_output() {
    let mut run = Run::new(&[], &["out"]);
    let guest = run.args[0].clone();
    std::os::unix::fs::symlink("/etc/passwd", run.private(&guest)).unwrap();
    run.view.changed("/", &guest, Intent::Rename);
    run.view.keep(u64::MAX).unwrap();
    assert!(run.user("out").symlink_metadata().is_err());
}

#[cfg(unix)]
#[test]
fn a_link_that_is_named_keeps_leading_to_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("target"), "old").unwrap();
    std::os::unix::fs::symlink("target", dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    let cache = dir.path().join("cache");
    let (mut view, args) = Run::view(&cache, dir.path(), &["link", "dangling"]);
    let root = view.staging.as_ref().unwrap().root();
    fs::write(root.join(args[0].trim_start_matches('/')), "new").unwrap();
    view.changed("/", &args[0], Intent::Write);
    assert_eq!(view.outputs.0.len(), 1);
    view.keep(u64::MAX).unwrap();
    assert!(
        dir.path()
            .join("link")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("target")).unwrap(),
        "new"
    );
}

#[test]
fn a_place_that_cannot_be_written_leaves_every_other_as_it_was() {
    let mut run = Run::new(&[("in", "old"), ("gone/x", "old")], &["in", "gone/x"]);
    run.write_first("new");
    let guest = run.args[1].clone();
    run.write(&guest, "new");
    fs::remove_dir_all(run.user("gone")).unwrap();
    let error = run.view.keep(u64::MAX).unwrap_err();
    assert!(matches!(&error, OutputError::Place { .. }) && error.hint().is_some());
    drop(run.view);
    let user = run.dir.path().join("user");
    assert_eq!(fs::read_to_string(user.join("in")).unwrap(), "old");
    assert_eq!(fs::read_dir(user).unwrap().count(), 1);
}

#[test]
fn the_directory_of_an_output_is_the_one_that_was_there_when_the_run_began() {
    let mut run = Run::new(&[("d/x", "old")], &["d/out"]);
    run.write_first("new");
    fs::rename(run.user("d"), run.user("moved")).unwrap();
    fs::create_dir(run.user("d")).unwrap();
    run.view.keep(u64::MAX).unwrap();
    if cfg!(unix) {
        assert_eq!(run.read("moved/out"), "new");
        assert!(!run.user("d/out").exists());
    }
}

#[test]
fn only_directories_of_outputs_can_be_written() {
    let run = Run::new(&[], &["out"]);
    let [root, private] = run.view.preopens() else {
        panic!("{:?}", run.view)
    };
    assert_eq!((root.guest.as_str(), root.perms), ("/", FsPerms::ReadOnly));
    assert_eq!(private.perms, FsPerms::ReadWrite);
    assert_eq!(private.guest, run.dir.path().join("user").to_str().unwrap());
    let absent = run.view.judge(
        &private.guest,
        "other",
        Intent::Read,
        super::super::Failure::NotFound,
    );
    assert_eq!(absent, None);
}

#[test]
fn options_and_places_without_a_directory_are_no_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let grants = Grants {
        args: Some(Access::ReadWrite),
        ..Grants::default()
    };
    let missing = dir.path().join("missing/out");
    let args: Vec<OsString> = ["-v", "--verbose", "-"]
        .into_iter()
        .map(OsString::from)
        .chain([missing.into_os_string()])
        .collect();
    let (view, _) = View::build(&dir.path().join("cache"), &grants, None, &args).unwrap();
    assert!(view.outputs.is_empty() && view.staging.is_none());
}

/// Another file system, if this machine has one that the test may write.
#[cfg(target_os = "linux")]
#[test]
fn outputs_reach_another_file_system_whole() {
    use std::os::unix::fs::MetadataExt as _;
    let here = tempfile::tempdir().unwrap();
    let Ok(there) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(here.path()) == device(there.path()) {
        return;
    }
    fs::write(there.path().join("in"), "old").unwrap();
    let (mut view, args) = Run::view(&here.path().join("cache"), there.path(), &["in", "build"]);
    let root = view.staging.as_ref().unwrap().root();
    let private = |guest: &str| root.join(guest.trim_start_matches('/'));
    fs::write(private(&args[0]), "new").unwrap();
    fs::create_dir_all(private(&args[1]).join("sub")).unwrap();
    fs::write(private(&args[1]).join("sub/x"), "new").unwrap();
    view.changed("/", &args[0], Intent::Write);
    view.changed("/", &args[1], Intent::Write);
    view.keep(u64::MAX).unwrap();
    assert_eq!(fs::read_to_string(there.path().join("in")).unwrap(), "new");
    assert_eq!(
        fs::read_to_string(there.path().join("build/sub/x")).unwrap(),
        "new"
    );
    assert_eq!(fs::read_dir(there.path()).unwrap().count(), 2);
}
