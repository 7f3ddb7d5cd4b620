//! `sign`: the embedded signature, or a detached one for plain minisign.

use std::path::PathBuf;

use serde_json::json;
use zero_format::{Artifact, Minisig, SecretKey};

use super::target;
use crate::cli::Sign;
use crate::host::Session;
use crate::keyring;
use crate::report::{Failure, Report};
use crate::write;

pub(crate) fn run(session: &Session, args: &Sign) -> Result<Report, Failure> {
    let artifact = target::decode(&args.file, target::read(&args.file)?)?;
    let mut keys = Vec::new();
    if args.key.is_empty() {
        keys.push(keyring::require(session, None)?);
    }
    for key in &args.key {
        keys.push(keyring::require(session, Some(key))?);
    }
    if args.detached {
        detached(args, &artifact, &keys)
    } else {
        embedded(args, &artifact, &keys)
    }
}

fn embedded(args: &Sign, artifact: &Artifact, keys: &[SecretKey]) -> Result<Report, Failure> {
    let keys: Vec<&SecretKey> = keys.iter().collect();
    let signed = zero_format::sign(artifact.bytes(), &keys).map_err(|error| {
        Failure::failed(format!("cannot sign {}", args.file.display())).because(&error)
    })?;
    let digest = zero_format::Digest::of(&signed);
    write::replace(&args.file, &signed)?;
    let mut text = format!("{}\n  digest    {digest}\n", args.file.display());
    for key in &keys {
        text += &format!("  signed by {}\n", key.public_key());
    }
    let signers: Vec<String> = keys
        .iter()
        .map(|key| key.public_key().to_base64())
        .collect();
    Ok(Report::new(
        json!({ "file": args.file, "digest": digest, "signers": signers }),
        text,
    ))
}

fn detached(args: &Sign, artifact: &Artifact, keys: &[SecretKey]) -> Result<Report, Failure> {
    let [key] = keys else {
        return Err(Failure::usage("a .minisig holds one signature").hint("give `--key` once"));
    };
    let package = &artifact.metadata().package;
    let comment = format!("{} {}", package.name, package.version);
    let mut name = args.file.clone().into_os_string();
    name.push(".minisig");
    let path = PathBuf::from(name);
    write::replace(
        &path,
        Minisig::sign(key, artifact.bytes(), &comment).as_bytes(),
    )?;
    let signer = key.public_key();
    let text = format!("{}\n  signed by {signer}\n", path.display());
    Ok(Report::new(
        json!({ "file": path, "signers": [signer.to_base64()] }),
        text,
    ))
}
