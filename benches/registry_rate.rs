//! How many releases a second a registry takes, each with its file: in commits of many by who holds the log key, and one
//! by one from several publishers at once through the service. One JSON line for each, for `benches/table.py`.
//!
//!     registry-rate DIR N      leaves a registry of N generated packages, and what was published, in DIR

#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::path::Path;
use std::thread;
use std::time::Instant;

use zero_format::{Digest, Kind, Metadata, Minisig, Package, assemble, sign};
use zero_registry::{
    Action, Blob, ChainContext, DirWriter, Network, PackageState, PublishOptions, PublishService,
    ReleaseInfo, Root, ServeOptions, Server, SignedEvent, Submission,
};

use large::{NOW, Outcome, generate, key, name, role};

mod large;

/// Releases in all, and in a commit.
const RELEASES: usize = 4000;
const BATCH: usize = 1000;
/// Publishers at once, each of whom waits for the answer to one release before the next.
const PUBLISHERS: usize = 32;

fn main() -> Outcome<()> {
    // cargo adds `--bench`.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let [folder, packages] = &words[..] else {
        return Err("registry-rate DIR N".into());
    };
    let folder = Path::new(folder);
    let packages = packages.parse()?;
    generate(folder, packages)?;
    let root = DirWriter::open(folder, key(2))?.roots()?.current().clone();
    let first = packages + 1;
    let made = releases(&root, first..first + RELEASES)?;
    let begun = Instant::now();
    for batch in made.chunks(BATCH) {
        let writer = DirWriter::open(folder, key(2))?;
        writer.commit(&batch.concat(), NOW)?;
    }
    report(
        &format!("by who holds the log key, {BATCH} in a commit"),
        begun,
    );

    let first = first + RELEASES;
    let made = releases(&root, first..first + RELEASES)?;
    let mut options = ServeOptions::new(folder, ([127, 0, 0, 1], 0).into());
    options.publish = Some(PublishOptions {
        per_minute: u32::MAX,
        // The generated names are all alike.
        check_similar: false,
        ..PublishOptions::new(key(2), || NOW)
    });
    let server = Server::bind(options)?.start();
    let url = server.url();
    let begun = Instant::now();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let publishers: Vec<_> = made
            .chunks(RELEASES.div_ceil(PUBLISHERS))
            .map(|own| scope.spawn(|| publish(&url, own).map_err(|error| error.to_string())))
            .collect();
        publishers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    for outcome in outcomes {
        outcome.map_err(|_| "a publisher panicked")??;
    }
    report(
        &format!("through the service, one by one, by {PUBLISHERS} publishers"),
        begun,
    );
    server.stop()?;
    Ok(())
}

fn publish(url: &str, releases: &[Vec<Submission>]) -> Outcome<()> {
    let service = PublishService::new(url, Network::default())?;
    for release in releases {
        service.publish(release)?;
    }
    Ok(())
}

fn report(how: &str, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!(r#"{{"how":"{how}","releases":{RELEASES},"seconds":{seconds}}}"#);
}

/// Each the first of its package, with the claim before it: signed beforehand, as publishers do.
fn releases(root: &Root, numbers: std::ops::Range<usize>) -> Outcome<Vec<Vec<Submission>>> {
    let context = ChainContext::writer(root);
    let publisher = key(3);
    let own = role(&publisher.public_key())?;
    let mut all = Vec::new();
    for number in numbers {
        let package = name(number).parse()?;
        let mut state = PackageState::empty(&package);
        let metadata = Metadata::new(
            Kind::Module,
            Package {
                name: package,
                version: "1.0.0".parse()?,
                description: None,
                license: None,
                repository: None,
                authors: Vec::new(),
                readme: None,
            },
        );
        let bytes = sign(
            &assemble(b"\0asm\x01\0\0\0", &metadata, None)?,
            &[&publisher],
        )?;
        let release = ReleaseInfo {
            version: "1.0.0".parse()?,
            sha256: Digest::of(&bytes),
            size: u64::try_from(bytes.len())?,
            runtime: "0.1.0".parse()?,
            capabilities: zero_format::Capabilities::default(),
        };
        let blob = Blob {
            minisig: Minisig::sign(&publisher, &bytes, "zero"),
            bytes,
        };
        let claim = Action::Claim {
            release: own.clone(),
            admin: own.clone(),
        };
        let mut submissions = Vec::new();
        for (action, blob) in [
            (claim, None),
            (Action::Release(Box::new(release)), Some(blob)),
        ] {
            let body = state.next(root.origin(), NOW, action);
            let event = SignedEvent::sign(&body, &[&publisher])?;
            state = state.apply(&event, &context)?;
            submissions.push(Submission { event, blob });
        }
        all.push(submissions);
    }
    Ok(all)
}
