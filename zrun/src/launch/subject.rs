//! From a file or a remembered answer to a program: verified and compiled only if no earlier run left a receipt and code.

use std::io;
use std::path::Path;

use zero_format::{Artifact, Digest, PublicKey};
use zrun::{Cache, FILE, Program, Resolution, RunArgs, exit};

use crate::failure::Failure;

/// A program, and who vouches for it.
pub(super) struct Subject {
    pub(super) program: Program,
    pub(super) registry: String,
}

/// A file given by path, signed by one of these keys.
pub(super) fn file(
    path: &Path,
    trusted: &[PublicKey],
    args: &RunArgs,
    cache: &Cache,
) -> Result<Subject, Failure> {
    let registry = FILE.to_owned();
    if let Some(digest) = recognised(path, cache)
        && let Some(program) = warm(&digest, trusted, args, cache)
    {
        return Ok(Subject { program, registry });
    }
    let bytes = read(path)?;
    let digest = Digest::of(&bytes);
    if let Some(program) = warm(&digest, trusted, args, cache) {
        // The next run is told what this one had to find out; without that it finds out again.
        let _ = cache.remember_file(&bytes, &digest);
        return Ok(Subject { program, registry });
    }
    let untrusted =
        |message: &str| Failure::new(exit::NOT_TRUSTED, format!("{} {message}", path.display()));
    let artifact = Artifact::decode(bytes).map_err(|error| {
        untrusted("is not a .zero file")
            .details(error.to_string())
            .hint(error.hint())
    })?;
    let artifact = zero_format::verify(artifact, trusted).map_err(|error| {
        untrusted("is not trusted")
            .details(error.to_string())
            .hint(Some(error.hint()))
    })?;
    let options = args.engine(&artifact.metadata().limits);
    let program = Program::load(&artifact, options, cache)
        .map_err(|error| Failure::of(exit::FAILED, &error))?;
    let _ = cache.remember_file(artifact.bytes(), &digest);
    Ok(Subject { program, registry })
}

/// What a file is if an earlier run left a note; whatever fails here fails again, with a message, when it is read.
fn recognised(path: &Path, cache: &Cache) -> Option<Digest> {
    let mut file = std::fs::File::open(path).ok()?;
    cache.recognise(&mut file).ok()?
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    use io::Read as _;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            exit::NOT_FOUND,
            format!("there is no file {}", path.display()),
        ),
        _ => Failure::new(exit::FAILED, format!("cannot read {}", path.display()))
            .details(error.to_string()),
    };
    let most = zero_format::limits::MAX_ARTIFACT;
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let size = usize::try_from(file.metadata().map_err(failed)?.len())
        .unwrap_or(usize::MAX)
        .min(most);
    // One system call for what is there, another that finds the end.
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes).map_err(failed)?;
    file.take((most - size) as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > most {
        return Err(Failure::new(
            exit::NOT_TRUSTED,
            format!("{} is larger than any artifact may be", path.display()),
        ));
    }
    Ok(bytes)
}

/// A program that an earlier run verified and compiled, if one of the trusted keys signed it.
fn warm(digest: &Digest, trusted: &[PublicKey], args: &RunArgs, cache: &Cache) -> Option<Program> {
    let receipt = cache.receipt(digest)?;
    if !receipt
        .signers
        .iter()
        .any(|signer| trusted.contains(signer))
    {
        return None;
    }
    let options = args.engine(&receipt.metadata.limits);
    Program::cached(&receipt, options, cache)
}

/// The package that was remembered; `None` if what is stored of it is not enough.
pub(super) fn package(resolution: &Resolution, args: &RunArgs, cache: &Cache) -> Option<Subject> {
    let trusted = resolution.keys()?;
    let registry = resolution.origin.clone();
    if let Some(program) = warm(&resolution.digest, &trusted, args, cache) {
        return Some(Subject { program, registry });
    }
    // The artifact is still here, only its code is not.
    let artifact = Artifact::decode(read(&resolution.blob).ok()?).ok()?;
    if artifact.digest() != resolution.digest {
        return None;
    }
    let artifact = zero_format::verify(artifact, &trusted).ok()?;
    let options = args.engine(&artifact.metadata().limits);
    let program = Program::load(&artifact, options, cache).ok()?;
    Some(Subject { program, registry })
}
