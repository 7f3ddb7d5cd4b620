//! A publishing service that is killed again and again while publishers send: what it confirmed is
//! there, what it did not confirm is there once or not at all, and nothing is torn.
#![cfg(all(unix, feature = "server", feature = "http"))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Sender, channel},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use support::registry::{artifact, key, package};
use zero_format::{Capabilities, Digest, Minisig};
use zero_registry::{
    Action, Blob, ChainContext, DirStorage, Network, NetworkOptions, Origin, PackageState,
    PublishService, ReleaseInfo, Role, Roots, SignedEvent, Submission, Timestamp, VerifyOptions,
    current_root, verify_registry,
};

const ORIGIN: &str = "registry.example/killed";
const ROUNDS: usize = 12;
const PUBLISHERS: u8 = 3;

fn operator(folder: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zero-registry"));
    command.args(args.split_whitespace()).current_dir(folder);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts the service; returns it and its address.
fn serve(folder: &Path) -> (Child, String) {
    let args = "serve packages --publish --rate 100000 --listen 127.0.0.1:0 --json";
    let mut child = operator(folder, args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    (child, said["url"].as_str().unwrap().to_owned())
}

/// The service judges the times of events by the clock of this machine.
#[expect(clippy::disallowed_methods, reason = "as a publisher's program does")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs())
}

fn service(url: &str) -> PublishService {
    let network = Network::new(NetworkOptions {
        pause: |_| thread::yield_now(),
        ..NetworkOptions::default()
    });
    PublishService::new(url, network).unwrap()
}

/// One publisher, who sends the same bytes again until they are confirmed.
struct Publisher {
    number: u8,
    state: PackageState,
    confirmed: u64,
    pending: Option<(PackageState, Vec<Submission>)>,
}

impl Publisher {
    fn new(number: u8) -> Self {
        Self {
            number,
            state: PackageState::empty(&package(&format!("package-{number}"))),
            confirmed: 0,
            pending: None,
        }
    }

    fn next(&self, roots: &Roots) -> (PackageState, Vec<Submission>) {
        let signer = key(100 + self.number);
        let origin: Origin = ORIGIN.parse().unwrap();
        let context = ChainContext::writer(roots.current());
        let mut state = self.state.clone();
        let mut actions = Vec::new();
        if state.events() == 0 {
            let role = Role::new(vec![signer.public_key()], 1).unwrap();
            let (release, admin) = (role.clone(), role);
            actions.push((Action::Claim { release, admin }, None));
        }
        let version = format!("1.0.{}", state.releases().len());
        let unsigned = artifact(state.name().as_str(), &version);
        let bytes = zero_format::sign(&unsigned, &[&signer]).unwrap();
        let info = ReleaseInfo {
            version: version.parse().unwrap(),
            sha256: Digest::of(&bytes),
            size: bytes.len() as u64,
            runtime: "0.1.0".parse().unwrap(),
            capabilities: Capabilities::default(),
        };
        let minisig = Minisig::sign(&signer, &bytes, "zero");
        actions.push((
            Action::Release(Box::new(info)),
            Some(Blob { bytes, minisig }),
        ));
        let mut submissions = Vec::new();
        for (action, blob) in actions {
            let body = state.next(&origin, now(), action);
            let event = SignedEvent::sign(&body, &[&signer]).unwrap();
            state = state.apply(&event, &context).unwrap();
            submissions.push(Submission { event, blob });
        }
        (state, submissions)
    }

    /// Publishes until the service does not answer any more.
    fn publish(&mut self, service: &PublishService, roots: &Roots, confirmed: &Sender<()>) {
        loop {
            let pending = self.pending.take().unwrap_or_else(|| self.next(roots));
            let outcome = service.publish(&pending.1);
            match outcome {
                Ok(_) => {
                    self.state = pending.0;
                    self.confirmed += 1;
                    let _ = confirmed.send(());
                }
                Err(error) => {
                    assert!(!error.is_conflict(), "{error}");
                    self.pending = Some(pending);
                    return;
                }
            }
        }
    }
}

#[test]
fn a_service_killed_again_and_again_loses_nothing_that_it_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let init = format!("init packages --origin {ORIGIN} --no-password");
    assert!(
        operator(folder, &init)
            .stdout(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
    let storage = DirStorage::new(folder.join("packages"));
    let root = current_root(&storage).unwrap();
    let role = zero_registry::Root::decode(&root.bytes)
        .unwrap()
        .role()
        .clone();
    let signatures = root
        .signatures
        .iter()
        .map(|text| Minisig::parse(text).unwrap());
    let roots = Roots::pin(&role, &root.bytes, &signatures.collect::<Vec<_>>()).unwrap();

    let mut publishers: Vec<_> = (0..PUBLISHERS).map(Publisher::new).collect();
    for round in 0..ROUNDS {
        let (mut child, url) = serve(folder);
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            for publisher in &mut publishers {
                let (service, roots, sender) = (service(&url), &roots, sender.clone());
                scope.spawn(move || publisher.publish(&service, roots, &sender));
            }
            // At another moment each time: after as many confirmations, in whatever is going on.
            for _ in 0..=round % 5 {
                receiver.recv().unwrap();
            }
            child.kill().unwrap();
            child.wait().unwrap();
        });
        // Readers see a whole registry before anybody repairs it.
        verify_registry(&storage, VerifyOptions::default()).unwrap();
    }
    // The last ones are sent again to a service that is ended in peace.
    let (mut child, url) = serve(folder);
    let service = service(&url);
    for publisher in &mut publishers {
        if let Some((state, submissions)) = publisher.pending.take() {
            service.publish(&submissions).unwrap();
            publisher.state = state;
            publisher.confirmed += 1;
        }
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let report = verify_registry(&storage, VerifyOptions::default()).unwrap();
    let confirmed: u64 = publishers.iter().map(|publisher| publisher.confirmed).sum();
    assert_eq!(report.releases, confirmed);
    assert!(confirmed >= 20, "{confirmed}");
}
