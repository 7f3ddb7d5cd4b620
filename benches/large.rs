//! Generated registries, for the measurements: package after package, each claimed and released once.

#![allow(dead_code, reason = "each measurement uses a part of it")]

use std::error::Error;
use std::path::Path;

use zero_format::{Digest, PublicKey, SecretKey};
use zero_registry::{
    Action, ChainContext, ClaimPolicy, DirWriter, Init, Origin, PackageState, ReleaseInfo, Role,
    Root, RootFields, SignedEvent, Submission, Timestamp, init,
};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Packages in one commit: each brings two events.
const BATCH: usize = 2048;
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);
pub(crate) const ORIGIN: &str = "registry.example/large";

/// Keys of a generated registry: not secret, and the same in every run.
pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::generate([number; 40])
}

pub(crate) fn name(number: usize) -> String {
    format!("package-{number}")
}

pub(crate) fn role(key: &PublicKey) -> Outcome<Role> {
    Ok(Role::new(vec![*key], 1)?)
}

/// Makes a registry of so many packages.
pub(crate) fn generate(folder: &Path, packages: usize) -> Outcome<()> {
    let fields = RootFields {
        origin: ORIGIN.parse()?,
        version: 1,
        prev: None,
        expires: NOW.plus(365 * 86_400),
        role: role(&key(1).public_key())?,
        log: key(2).public_key(),
        head_lifetime: 7 * 86_400,
        claims: ClaimPolicy::Open,
        mirrors: Vec::new(),
        witness: None,
        anchor: None,
    };
    init(
        folder,
        &Init::signed(Root::new(fields)?, &[&key(1)])?,
        key(2),
        NOW,
    )?;
    for start in (0..packages).step_by(BATCH) {
        commit(folder, start..packages.min(start + BATCH))?;
    }
    Ok(())
}

/// Claims and releases these packages in one commit.
pub(crate) fn commit(folder: &Path, numbers: std::ops::Range<usize>) -> Outcome<()> {
    let writer = DirWriter::open(folder, key(2))?.without_blobs();
    let publisher = key(3);
    let origin: Origin = ORIGIN.parse()?;
    let roots = writer.roots()?;
    let context = ChainContext::writer(roots.current());
    let mut submissions = Vec::new();
    for number in numbers {
        let own = role(&publisher.public_key())?;
        let mut state = PackageState::empty(&name(number).parse()?);
        let release = ReleaseInfo {
            version: "1.0.0".parse()?,
            sha256: Digest::of(name(number).as_bytes()),
            size: 100_000,
            runtime: "0.1.0".parse()?,
            capabilities: zero_format::Capabilities::default(),
        };
        let actions = [
            Action::Claim {
                release: own.clone(),
                admin: own,
            },
            Action::Release(Box::new(release)),
        ];
        for action in actions {
            let event = SignedEvent::sign(&state.next(&origin, NOW, action), &[&publisher])?;
            state = state.apply(&event, &context)?;
            submissions.push(Submission { event, blob: None });
        }
    }
    writer.commit(&submissions, NOW)?;
    Ok(())
}
