//! What the killed processes do: this test program, started in a folder of its own with a file that
//! tells it its role. They tell what they have done in lines on standard output.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use zero_registry::{
    Client, DirStorage, Location, PackageState, RegistryConfig, ResolveOptions, Storage, Store,
    Writer,
};

use super::{
    bucket,
    lives::Dice,
    releases::{self, is_full, newest_line, next, now, patch},
    support::registry::{LOG, ORIGIN, ROOT, key, package, role},
};

const ROLE: &str = "role.json";

/// What a process is to do until it is killed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Role {
    /// Publish in a bucket, through the server at this port.
    BucketWriter { port: u16, name: String },
    /// Read a registry, with a store in this folder.
    Reader {
        place: PathBuf,
        /// Releases that must be there: the highest number of each package.
        known: BTreeMap<String, u64>,
        seed: u64,
    },
    /// Publish in a directory.
    Writer {
        registry: PathBuf,
        name: String,
        /// Before which write to die.
        last_write: Option<u64>,
    },
}

/// A place for processes of one role.
pub(super) struct Part(PathBuf);

impl Part {
    pub(super) fn new(world: &Path, name: &str) -> Self {
        let folder = world.join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// A process of this role.
    pub(super) fn command(&self, role: &Role) -> Command {
        fs::write(self.0.join(ROLE), serde_json::to_vec(role).unwrap()).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "--nocapture"]);
        command.arg("actor::plays_its_role").current_dir(&self.0);
        command
    }
}

#[test]
#[ignore = "a process of the soak, which starts it and kills it"]
fn plays_its_role() {
    let role = fs::read(ROLE).expect("the soak says which role");
    match serde_json::from_slice(&role).unwrap() {
        Role::BucketWriter { port, name } => write_on(bucket::storage(port), &name),
        Role::Reader { place, known, seed } => read_on(&place, &known, &mut Dice(seed)),
        Role::Writer {
            registry,
            name,
            last_write,
        } => {
            let writes = AtomicU64::new(0);
            let storage = DirStorage::new(registry).with_hook(move |_| {
                if Some(writes.fetch_add(1, Ordering::SeqCst) + 1) == last_write {
                    kill_process(getpid(), Signal::KILL)?;
                }
                Ok(())
            });
            write_on(storage, &name);
        }
    }
}

/// Says what was done. A line is one write, so it is there or not.
fn say(line: &str) {
    std::io::stdout()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

/// Publishes a release after the other, going on where the package ends.
fn write_on<S: Storage>(storage: S, publisher: &str) {
    let writer = Writer::with_storage(storage, key(LOG)).unwrap();
    let read = |number| {
        writer
            .package(&package(&releases::name(publisher, number)))
            .unwrap()
    };
    let mut number = 0;
    let mut state: PackageState = read(number);
    loop {
        while is_full(&state) {
            number += 1;
            state = read(number);
        }
        let (after, submissions) = next(&state);
        writer.commit(&submissions, now()).unwrap();
        say(&format!("wrote {}", newest_line(&after)));
        state = after;
    }
}

/// Reads one package after the other, its newest release each time. Whatever is torn, forged or gone
/// is an error of the client.
fn read_on(place: &Path, known: &BTreeMap<String, u64>, dice: &mut Dice) {
    let config = RegistryConfig {
        name: "soak".parse().unwrap(),
        origin: ORIGIN.parse().unwrap(),
        pinned: role(&[ROOT], 1),
        mirrors: vec![Location::Dir(place.to_owned())],
        fresh: Duration::ZERO,
    };
    let client = Client::new(config, Store::new("store"), None).unwrap();
    let options = ResolveOptions {
        refresh: true,
        ..ResolveOptions::default()
    };
    loop {
        let trusted = client.refresh(now()).unwrap();
        say(&format!("saw {}", trusted.head().tree().size));
        let packages = client.packages(&trusted).unwrap();
        for name in known.keys() {
            assert!(
                packages.iter().any(|entry| entry.name.as_str() == name),
                "{name} is lost"
            );
        }
        if packages.is_empty() {
            continue;
        }
        let choice = dice.below(u64::try_from(packages.len()).unwrap());
        let name = &packages[usize::try_from(choice).unwrap()].name;
        let request = name.as_str().parse().unwrap();
        let resolved = client.resolve_with(&request, &options, now()).unwrap();
        say(&format!("saw {}", resolved.log));
        let number = patch(&resolved.version.to_string());
        let least = known.get(name.as_str()).copied().unwrap_or(0);
        assert!(number >= least, "{name} 1.0.{least} is lost");
        client.fetch(&resolved).unwrap();
    }
}
