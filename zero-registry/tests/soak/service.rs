//! The publishing service, killed while publishers send: they send the same bytes again until these
//! are confirmed.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
};

use zero_registry::{Network, NetworkOptions, PackageState, PublishService, Submission};

use super::{
    LONGEST,
    lives::Lives,
    releases::{self, Confirmed, is_full, newest_line, next},
    support::registry::package,
};

const PUBLISHERS: usize = 2;

/// A command of the operator.
pub(super) fn operator(world: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zero-registry"));
    command.current_dir(world).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts the service; returns it and its address.
fn serve(world: &Path) -> (Child, String) {
    let args = "serve registry --publish --rate 100000 --listen 127.0.0.1:0 --json";
    let mut child = operator(world)
        .args(args.split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    (child, said["url"].as_str().unwrap().to_owned())
}

fn client(url: &str) -> PublishService {
    let network = Network::new(NetworkOptions {
        pause: |_| thread::yield_now(),
        ..NetworkOptions::default()
    });
    PublishService::new(url, network).unwrap()
}

/// Somebody who publishes through the service.
pub(super) struct Publisher {
    name: String,
    number: usize,
    state: PackageState,
    pending: Option<(PackageState, Vec<Submission>)>,
}

impl Publisher {
    fn new(publisher: usize) -> Self {
        let name = format!("sender-{publisher}");
        Self {
            state: PackageState::empty(&package(&releases::name(&name, 0))),
            name,
            number: 0,
            pending: None,
        }
    }

    fn next(&mut self) -> (PackageState, Vec<Submission>) {
        if is_full(&self.state) {
            self.number += 1;
            let name = releases::name(&self.name, self.number);
            self.state = PackageState::empty(&package(&name));
        }
        next(&self.state)
    }

    /// Publishes until the service does not answer any more.
    fn publish(&mut self, service: &PublishService, confirmed: &Confirmed) {
        loop {
            let pending = self.pending.take().unwrap_or_else(|| self.next());
            if let Err(error) = service.publish(&pending.1) {
                assert!(!error.is_conflict(), "{error}");
                self.pending = Some(pending);
                return;
            }
            self.state = pending.0;
            confirmed.add_line(&newest_line(&self.state));
        }
    }
}

/// A service after the other. What was not confirmed in the end is pending.
pub(super) fn soak(lives: &Lives<'_>, world: &Path, confirmed: &Confirmed) -> Vec<Publisher> {
    let mut dice = lives.dice(3);
    let mut publishers: Vec<_> = (0..PUBLISHERS).map(Publisher::new).collect();
    while lives.go_on() {
        let (mut child, url) = serve(world);
        thread::scope(|scope| {
            let (gone, given_up) = channel::<()>();
            for publisher in &mut publishers {
                let (service, gone) = (client(&url), gone.clone());
                scope.spawn(move || {
                    publisher.publish(&service, confirmed);
                    drop(gone);
                });
            }
            drop(gone);
            // Publishers give up only when the service is gone.
            let ended = given_up.recv_timeout(dice.moment(2 * LONGEST));
            assert_eq!(
                ended,
                Err(RecvTimeoutError::Timeout),
                "the service is gone by itself"
            );
            child.kill().unwrap();
            child.wait().unwrap();
            lives.killed();
        });
    }
    publishers
}

/// What is pending is sent to a service that ends in peace.
pub(super) fn end_in_peace(world: &Path, publishers: Vec<Publisher>, confirmed: &Confirmed) {
    let (mut child, url) = serve(world);
    for publisher in publishers {
        if let Some((state, submissions)) = publisher.pending {
            client(&url).publish(&submissions).unwrap();
            confirmed.add_line(&newest_line(&state));
        }
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
