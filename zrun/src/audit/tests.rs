use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::policy::FsGrant;

/// Keeps what it hears, and fails after so many events.
#[derive(Clone, Default)]
struct Notes {
    heard: Arc<Mutex<Vec<String>>>,
    fails_after: Option<usize>,
}

impl Listener for Notes {
    fn hear(&mut self, event: &Event<'_>) -> io::Result<()> {
        let mut heard = self.heard.lock().unwrap();
        if self.fails_after.is_some_and(|most| heard.len() >= most) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        heard.push(match event.what {
            What::Used(one) => format!("{one:?}"),
            What::Denied(one, reason) => format!("{one:?} {reason:?}"),
            What::Reached(limit) => limit.to_string(),
            What::Ended(ended) => format!("{ended:?}"),
            What::Started(_) => "started".to_owned(),
        });
        Ok(())
    }
}

fn recorder(notes: &Notes) -> Recorder {
    let mut recorder = Recorder::default();
    recorder.add(Box::new(notes.clone()));
    recorder
}

fn file(at: usize) -> Use {
    Use::Fs {
        path: format!("/{at}"),
        access: Access::Read,
    }
}

#[test]
fn without_a_listener_nothing_is_put_together() {
    let silent = Recorder::default();
    silent.used(|| unreachable!("nobody hears it")).unwrap();
    silent.denied(|| unreachable!("nobody hears it"));
    assert!(!silent.is_on() && silent.go_on().is_ok());
}

#[test]
fn each_distinct_use_is_told_once_and_counted_at_the_end() {
    let notes = Notes::default();
    let recorder = recorder(&notes);
    for _ in 0..3 {
        recorder.used(|| Use::Random).unwrap();
        recorder.denied(|| (Use::Listen, Reason::Unsupported));
    }
    recorder.ended(None, "exit", 7, Some(5)).unwrap();
    recorder.ended(None, "exit", 8, None).unwrap();
    assert_eq!(
        *notes.heard.lock().unwrap(),
        [
            "Random",
            "Listen Unsupported",
            "Ended { outcome: \"exit\", code: 7, fuel: Some(5), uses: 1, denials: 1 }"
        ]
    );
}

#[test]
fn a_listener_that_fails_ends_the_run() {
    let notes = Notes {
        fails_after: Some(1),
        ..Notes::default()
    };
    let recorder = recorder(&notes);
    recorder.used(|| file(0)).unwrap();
    let error = recorder.used(|| file(1)).unwrap_err();
    assert!(error.is::<Unrecorded>());
    assert!(recorder.go_on().is_err());
    assert!(recorder.ended(None, "failed", 1, None).is_err());
}

#[test]
fn a_record_that_is_full_is_a_limit() {
    let notes = Notes::default();
    let recorder = recorder(&notes);
    for at in 0..MAX_RECORDED {
        recorder.used(|| file(at)).unwrap();
    }
    recorder.used(|| file(0)).unwrap();
    let error = recorder.used(|| file(MAX_RECORDED)).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&LimitReached::Recorded));
    assert_eq!(notes.heard.lock().unwrap().len(), MAX_RECORDED);
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn runs_at_the_same_time_append_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let audit = Audit::open(&path, &Grants::default(), &[]).unwrap();
                let mut recorder = Recorder::default();
                recorder.add(Box::new(audit.run(0).unwrap()));
                for at in 0..200 {
                    recorder.used(|| file(at)).unwrap();
                }
            });
        }
    });
    let lines = lines(&path);
    assert_eq!(lines.len(), 800);
    let runs: BTreeSet<String> = lines.iter().map(|line| line["run"].to_string()).collect();
    assert_eq!(runs.len(), 4);
}

#[test]
fn a_line_that_was_cut_off_does_not_take_the_next_one_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    fs::write(&path, "{\"run\":\"cut").unwrap();
    let audit = Audit::open(&path, &Grants::default(), &[]).unwrap();
    let mut recorder = Recorder::default();
    recorder.add(Box::new(audit.run(0).unwrap()));
    recorder.used(|| Use::Random).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let second = text.lines().nth(1).unwrap();
    let second: Value = serde_json::from_str(second).unwrap();
    assert_eq!(second["capability"], "random");
}

#[test]
fn control_characters_of_a_path_cannot_make_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let audit = Audit::open(&path, &Grants::default(), &[]).unwrap();
    let mut recorder = Recorder::default();
    recorder.add(Box::new(audit.run(0).unwrap()));
    let hostile = "/a\n{\"event\":\"exit\"}\u{1b}[2J".to_owned();
    recorder
        .used(|| Use::Fs {
            path: hostile.clone(),
            access: Access::Read,
        })
        .unwrap();
    let lines = lines(&path);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["path"], hostile);
}

#[test]
fn an_audit_that_the_program_could_change_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let grants = |access| Grants {
        fs: vec![FsGrant {
            host: dir.path().to_owned(),
            guest: "/data".parse().unwrap(),
            access,
        }],
        ..Grants::default()
    };
    let path = dir.path().join("audit");
    assert!(Audit::open(&path, &grants(Access::Read), &[]).is_ok());
    let error = Audit::open(&path, &grants(Access::ReadWrite), &[]).unwrap_err();
    assert!(matches!(error, AuditError::Writable { .. }) && error.hint().is_some());
}

#[test]
fn an_audit_that_an_argument_names_for_writing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let open = |access, argument: String| {
        let grants = Grants {
            args: Some(access),
            ..Grants::default()
        };
        Audit::open(&path, &grants, &[argument.into()])
    };
    let folder = dir.path().display().to_string();
    for argument in [
        folder.clone(),
        format!("--into={folder}"),
        path.display().to_string(),
    ] {
        let error = open(Access::ReadWrite, argument.clone()).unwrap_err();
        assert!(matches!(error, AuditError::Writable { .. }), "{argument}");
        assert!(open(Access::Read, argument).is_ok());
    }
    assert!(open(Access::ReadWrite, format!("{folder}/other")).is_ok());
}

#[cfg(unix)]
#[test]
fn the_file_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    Audit::open(&path, &Grants::default(), &[]).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
