//! `verify`: is it whole, and signed by a key that is trusted?

use std::path::Path;

use serde_json::json;
use zero_format::{Artifact, Digest, Minisig, PublicKey, Verified, key_id_hex};
use zrun::Trust;

use super::target::{self, Target};
use crate::cli::Verify;
use crate::host::Session;
use crate::keyring;
use crate::registries;
use crate::report::{Class, Failure, Report, human_size};

pub(crate) fn run(session: &Session, args: &Verify) -> Result<Report, Failure> {
    match Target::parse(&args.target)? {
        Target::File(path) if path.extension().is_some_and(|end| end == "minisig") => {
            detached(session, args, &path)
        }
        Target::File(path) => embedded(session, args, &path),
        Target::Package(package) => {
            let (resolved, artifact) = registries::obtain(session, &package)?;
            if !args.key.is_empty() {
                let keys = keys(session, args)?;
                if !artifact
                    .signers()
                    .iter()
                    .any(|signer| keys.contains(signer))
                {
                    return Err(Failure::new(
                        Class::Untrusted,
                        format!(
                            "{} {} is not signed by the key you gave",
                            resolved.name, resolved.version
                        ),
                    ));
                }
            }
            let what = format!(
                "{} {} of {}",
                resolved.name, resolved.version, resolved.origin
            );
            Ok(report(
                &what,
                artifact.digest(),
                artifact.size(),
                artifact.signers(),
            ))
        }
    }
}

/// The keys to accept: those given, else the user's own and those that the user trusts.
fn keys(session: &Session, args: &Verify) -> Result<Vec<PublicKey>, Failure> {
    if args.key.is_empty() {
        return trusted(session);
    }
    args.key
        .iter()
        .map(|key| keyring::public(session, key))
        .collect()
}

/// The user's own keys and those that the user trusts.
pub(crate) fn trusted(session: &Session) -> Result<Vec<PublicKey>, Failure> {
    Ok(Trust::load(&session.home)
        .map_err(|error| Failure::failed("cannot read the trusted keys").because(&error))?
        .keys())
}

/// Verifies a decoded file against some keys.
pub(crate) fn check(
    name: &str,
    artifact: Artifact,
    keys: &[PublicKey],
) -> Result<Verified<Artifact>, Failure> {
    let numbers: Vec<String> = artifact
        .signatures()
        .iter()
        .map(|signature| key_id_hex(signature.key_id))
        .collect();
    zero_format::verify(artifact, keys).map_err(|error| {
        let hint = if numbers.is_empty() {
            format!("sign it: cargo zero sign {name}")
        } else {
            format!(
                "it names the key {}: get that public key from its maker, then `cargo zero key import FILE.pub`, \
                 or verify once with `cargo zero verify {name} --key FILE.pub`",
                numbers.join(" and ")
            )
        };
        Failure::new(Class::Untrusted, format!("{name} is not trusted")).because(&error).hint(hint)
    })
}

fn embedded(session: &Session, args: &Verify, path: &Path) -> Result<Report, Failure> {
    let artifact = target::decode(path, target::read(path)?)?;
    let name = path.display().to_string();
    let verified = check(&name, artifact, &keys(session, args)?)?;
    Ok(report(
        &name,
        verified.digest(),
        verified.size(),
        verified.signers(),
    ))
}

fn detached(session: &Session, args: &Verify, path: &Path) -> Result<Report, Failure> {
    let untrusted = || {
        Failure::new(
            Class::Untrusted,
            format!("{} is not trusted", path.display()),
        )
    };
    let text = keyring::read(path)?;
    let signature =
        Minisig::parse(&text).map_err(|error| untrusted().because(&error).hint(error.hint()))?;
    let file = path.with_extension("");
    let bytes = target::read(&file)?;
    let keys = keys(session, args)?;
    // The number selects candidates; each of them is then asked.
    let mut last = None;
    for key in keys.iter().filter(|key| key.key_id() == signature.key_id()) {
        match signature.verify(key, &bytes) {
            Ok(()) => {
                let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                return Ok(report(
                    &file.display().to_string(),
                    Digest::of(&bytes),
                    size,
                    &[*key],
                ));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => untrusted().because(&error).hint(error.hint()),
        None => untrusted()
            .cause(format!(
                "no trusted key has the number {}",
                signature.key_id_hex()
            ))
            .hint("name its maker's key: `--key FILE.pub`"),
    })
}

fn report(what: &str, digest: Digest, size: u64, signers: &[PublicKey]) -> Report {
    let mut text = format!(
        "{what}: verified\n  digest    {digest}\n  size      {}\n",
        human_size(size)
    );
    for signer in signers {
        text += &format!("  signed by {signer}\n");
    }
    let signers: Vec<String> = signers.iter().map(PublicKey::to_base64).collect();
    Report::new(
        json!({ "what": what, "digest": digest, "size": size, "signers": signers }),
        text,
    )
}
