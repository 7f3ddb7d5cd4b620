//! The `zrun` program itself, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zero_format::{Capabilities, Digest, RandomRule};
use zrun::{Answers, Consent, FILE, Resolution, Trust, exit};

use crate::support::{Facts, World, start};

/// The tested program in a directory of its own, so that no `cargo-zero` stands beside it.
struct Installed {
    world: World,
    bin: PathBuf,
}

impl Installed {
    fn new() -> Self {
        let world = World::new();
        let bin = world.path("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_zrun"), bin.join("zrun")).unwrap();
        Self { world, bin }
    }

    /// The same, with the test's key trusted.
    fn trusting() -> Self {
        let installed = Self::new();
        let mut trust = Trust::load(&installed.world.home).unwrap();
        trust
            .add(
                &installed.world.home,
                &installed.world.key.public_key(),
                "test",
            )
            .unwrap();
        installed
    }

    fn file(&self, code: &str, facts: &Facts) -> PathBuf {
        let path = self.world.path("sample.zero");
        std::fs::write(&path, self.world.signed(&start(code), facts)).unwrap();
        path
    }

    fn zrun(&self) -> Command {
        let mut command = Command::new(self.bin.join("zrun"));
        command
            .env_clear()
            .env("ZERO_HOME", self.world.home.directory())
            .env("PATH", &self.bin);
        command
    }

    fn run(&self, args: &[&str], file: &Path) -> Output {
        self.zrun().args(args).arg(file).output().unwrap()
    }

    /// A `cargo-zero` that only says what it was asked.
    #[cfg(unix)]
    fn with_companion(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.bin.join("cargo-zero");
        std::fs::write(&path, "#!/bin/sh\necho \"$@\"\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

const HELLO: &str = "(call $write (i32.const 33))";
const RANDOM: &str = "(call $write (call $random_get (i32.const 32) (i32.const 8)))";

fn random() -> Facts {
    let capabilities = Capabilities {
        random: Some(RandomRule::default()),
        ..Capabilities::default()
    };
    Facts {
        capabilities,
        ..Facts::default()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_file_of_a_trusted_signer_runs_cold_and_warm() {
    let installed = Installed::trusting();
    let file = installed.file(HELLO, &Facts::default());
    for _ in 0..2 {
        let output = installed.run(&[], &file);
        assert_eq!(
            (code(&output), output.stdout.as_slice(), stderr(&output)),
            (0, b"!".as_slice(), "")
        );
    }
    let entry = std::fs::read_dir(installed.world.home.code_dir())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&entry, bytes).unwrap();
    let output = installed.run(&[], &file);
    assert_eq!(
        (code(&output), output.stdout.as_slice()),
        (0, b"!".as_slice())
    );
}

#[test]
fn nothing_of_an_untrusted_signer_runs() {
    let installed = Installed::new();
    let file = installed.file(HELLO, &Facts::default());
    let output = installed.run(&[], &file);
    assert_eq!(
        (code(&output), output.stdout.as_slice()),
        (i32::from(exit::NOT_TRUSTED), b"".as_slice())
    );
    assert!(
        stderr(&output).contains("no trusted key signed it"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("\nhint: "), "{}", stderr(&output));
}

#[test]
fn taking_trust_back_stops_a_warm_program() {
    let installed = Installed::trusting();
    let file = installed.file(HELLO, &Facts::default());
    assert_eq!(code(&installed.run(&[], &file)), 0);
    let mut trust = Trust::load(&installed.world.home).unwrap();
    trust
        .remove(&installed.world.home, &installed.world.key.public_key())
        .unwrap();
    assert_eq!(
        code(&installed.run(&[], &file)),
        i32::from(exit::NOT_TRUSTED)
    );
}

#[test]
fn a_changed_or_foreign_file_is_not_trusted() {
    let installed = Installed::trusting();
    let file = installed.file(HELLO, &Facts::default());
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(
        code(&installed.run(&[], &file)),
        i32::from(exit::NOT_TRUSTED)
    );
    std::fs::write(&file, "not wasm").unwrap();
    let output = installed.run(&[], &file);
    assert_eq!(code(&output), i32::from(exit::NOT_TRUSTED));
    assert!(
        stderr(&output).contains("is not a .zero file"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn absence_and_misuse_have_their_own_codes() {
    let installed = Installed::new();
    assert_eq!(
        code(&installed.run(&[], Path::new("absent.zero"))),
        i32::from(exit::NOT_FOUND)
    );
    assert_eq!(
        code(&installed.zrun().output().unwrap()),
        i32::from(exit::USAGE)
    );
    assert_eq!(
        code(&installed.zrun().arg("--unknown").output().unwrap()),
        i32::from(exit::USAGE)
    );
    let version = installed.zrun().arg("--version").output().unwrap();
    assert_eq!(
        (code(&version), version.stdout.starts_with(b"zrun ")),
        (0, true)
    );
}

#[test]
fn the_time_limit_ends_the_process() {
    let installed = Installed::trusting();
    let file = installed.file("(loop (br 0))", &Facts::default());
    let output = installed.run(&["--limit-time", "50ms"], &file);
    assert_eq!(code(&output), i32::from(exit::LIMIT));
    assert!(
        stderr(&output).starts_with("error: the time limit of 50ms was reached\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn errors_can_be_json() {
    let installed = Installed::new();
    let output = installed.run(&["--json"], Path::new("absent.zero"));
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(
        text,
        "{\"ok\":false,\"error\":{\"code\":\"not-found\",\"message\":\"there is no file absent.zero\",\"hint\":null}}\n"
    );
}

#[test]
fn stored_consent_and_flags_grant_without_asking() {
    let installed = Installed::trusting();
    let file = installed.file(RANDOM, &random());
    let output = installed.run(&[], &file);
    assert_eq!(
        (code(&output), output.stdout.as_slice()),
        (i32::from(exit::NOT_FOUND), b"".as_slice())
    );
    assert_eq!(installed.run(&["--allow-random"], &file).stdout, [0]);
    assert_eq!(installed.run(&["--allow-declared"], &file).stdout, [0]);
    assert_eq!(installed.run(&["--deny-random"], &file).stdout, [76]);
    let consent = Consent {
        registry: FILE.to_owned(),
        package: "sample".parse().unwrap(),
        signer: installed.world.key.public_key().to_base64(),
        answers: Answers {
            allowed: random().capabilities,
            ..Answers::default()
        },
        folders: Vec::new(),
        capabilities: random().capabilities,
        version: "1.2.3".parse().unwrap(),
        given: 0,
    };
    installed.world.home.store_consent(&consent).unwrap();
    assert_eq!(installed.run(&[], &file).stdout, [0]);
}

#[cfg(unix)]
#[test]
fn what_is_not_here_is_handed_over_with_the_same_arguments() {
    let installed = Installed::trusting();
    installed.with_companion();
    let output = installed
        .zrun()
        .args(["--offline", "csvstat@1.2", "--", "x y"])
        .output()
        .unwrap();
    assert_eq!(
        (code(&output), output.stdout.as_slice()),
        (0, b"run --offline csvstat@1.2 -- x y\n".as_slice())
    );
    let file = installed.file(RANDOM, &random());
    assert!(installed.run(&[], &file).stdout.starts_with(b"run "));
}

#[cfg(unix)]
#[test]
fn a_remembered_package_runs_until_the_answer_is_stale() {
    let installed = Installed::new();
    installed.with_companion();
    let world = &installed.world;
    let file = installed.file(HELLO, &Facts::default());
    let bytes = std::fs::read(&file).unwrap();
    let mut resolution = Resolution {
        selector: "sample@1".to_owned(),
        origin: "https://packages.example.org".to_owned(),
        name: "sample".parse().unwrap(),
        version: "1.2.3".parse().unwrap(),
        digest: Digest::of(&bytes),
        size: bytes.len() as u64,
        signers: vec![world.key.public_key().to_base64()],
        capabilities: Capabilities::default().digest(),
        head_expires: u64::MAX,
        checked_at: 0,
        fresh_until: u64::MAX,
        log: 4,
        blob: file,
    };
    let run = || installed.zrun().arg("sample@1").output().unwrap().stdout;
    world.home.remember(&resolution).unwrap();
    assert_eq!((run(), run()), (b"!".to_vec(), b"!".to_vec()));
    let elsewhere = installed
        .zrun()
        .arg("sample@1")
        .env("ZERO_REGISTRY", "other")
        .output()
        .unwrap();
    assert_eq!(elsewhere.stdout, b"run sample@1\n");
    resolution.fresh_until = 1;
    world.home.remember(&resolution).unwrap();
    assert_eq!(run(), b"run sample@1\n");
    let offline = installed
        .zrun()
        .args(["--offline", "sample@1"])
        .output()
        .unwrap();
    assert_eq!(offline.stdout, b"!");
    resolution.signers = vec![
        zero_format::SecretKey::generate([9; 40])
            .public_key()
            .to_base64(),
    ];
    resolution.fresh_until = u64::MAX;
    world.home.remember(&resolution).unwrap();
    assert_eq!(
        run(),
        b"run sample@1\n",
        "a key that is no longer in force vouches for nothing"
    );
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_outputs_as_they_were_and_the_next_one_sweeps() {
    let installed = Installed::trusting();
    let named = installed.world.folder("user", "named", "old").join("named");
    let file = |then: &str| {
        let path = installed.world.path("sample.zero");
        let wasm = crate::outputs::writer("named", then);
        std::fs::write(
            &path,
            installed.world.signed(&wasm, &crate::outputs::facts()),
        )
        .unwrap();
        path
    };
    let mut killed = installed
        .zrun()
        .arg(file("(loop (br 0))"))
        .arg(&named)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The program says that it has written.
    let mut errno = [1];
    let mut stdout = killed.stdout.take().unwrap();
    std::io::Read::read_exact(&mut stdout, &mut errno).unwrap();
    assert_eq!(errno, [0]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let staging = || {
        let entries = std::fs::read_dir(installed.world.home.staging_dir()).unwrap();
        entries.count()
    };
    assert_eq!(std::fs::read_to_string(&named).unwrap(), "old");
    assert_eq!(staging(), 1);
    let next = installed.zrun().arg(file("")).arg(&named).output().unwrap();
    assert_eq!((code(&next), stderr(&next)), (0, ""));
    assert_eq!(std::fs::read_to_string(&named).unwrap(), "new");
    assert_eq!(staging(), 0);
    let beside = std::fs::read_dir(named.parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 1);
}
