//! `oci`: artifacts in container registries, as the layer of WebAssembly that the CNCF's working group describes
//! (spec/oci.md). They keep their signature: a container registry is a place, and nothing is believed for lying there.

mod client;
mod manifest;

use std::path::{Path, PathBuf};

use serde_json::json;

use self::client::Client;
use self::manifest::Place;
use super::{target, verify};
use crate::cli::{Oci, PullOci, PushOci};
use crate::host::Session;
use crate::report::{Class, Failure, Report, human_size};
use crate::write;

pub(crate) fn run(session: &Session, args: &Oci) -> Result<Report, Failure> {
    if session.offline {
        return Err(Failure::new(
            Class::Unreachable,
            "`--offline`: a container registry needs the network",
        )
        .hint("leave out --offline"));
    }
    match args {
        Oci::Push(args) => push(session, args),
        Oci::Pull(args) => pull(session, args),
    }
}

fn push(session: &Session, args: &PushOci) -> Result<Report, Failure> {
    let artifact = target::decode(&args.file, target::read(&args.file)?)?;
    if artifact.signatures().is_empty() {
        return Err(Failure::new(
            Class::Untrusted,
            format!("{} is not signed", args.file.display()),
        )
        .hint(format!("cargo zero sign {}", args.file.display())));
    }
    let version = artifact.metadata().package.version.to_string();
    // What a tag may not have stands between version and build.
    let place = Place::parse(&args.place, Some(&version.replace('+', "_")))?;
    let pushed = {
        let _step = session.output.step(&format!("pushing to {place}"));
        Client::open(&place)?.push(&artifact, session.now)?
    };
    let text = format!(
        "pushed {} {version}\n  place     {place}\n  manifest  {pushed}\n  layer     {} ({})\n",
        artifact.metadata().package.name,
        artifact.digest(),
        human_size(artifact.size()),
    );
    let fields = json!({
        "place": place.to_string(),
        "manifest": pushed,
        "digest": artifact.digest(),
        "size": artifact.size(),
    });
    Ok(Report::new(fields, text).next(format!("cargo zero oci pull {place}")))
}

fn pull(session: &Session, args: &PullOci) -> Result<Report, Failure> {
    let place = Place::parse(&args.place, None)?;
    let bytes = {
        let _step = session.output.step(&format!("pulling {place}"));
        Client::open(&place)?.pull()?
    };
    let artifact = target::decode(Path::new(&place.to_string()), bytes)?;
    let package = artifact.metadata().package.clone();
    let digest = artifact.digest();
    let path = args.output.clone().unwrap_or_else(|| {
        let base = package.name.base();
        PathBuf::from(format!("{base}-{}.zero", package.version))
    });
    let bytes = artifact.buffer();
    let signers = zero_format::verify(artifact, &verify::trusted(session)?)
        .map(|verified| verified.signers().to_vec())
        .unwrap_or_default();
    write::replace(&path, &bytes)?;
    let known = match signers.first() {
        Some(key) => format!("{key}, whom you trust"),
        None => String::from("nobody whom you trust: it does not run until you do"),
    };
    let text = format!(
        "pulled {} {}\n  from      {place}\n  to        {}\n  digest    {digest}\n  signed by {known}\n",
        package.name,
        package.version,
        path.display(),
    );
    let next = if signers.is_empty() {
        String::from("cargo zero key import PUBLIC-KEY")
    } else {
        format!("cargo zero run {}", path.display())
    };
    let fields = json!({
        "place": place.to_string(),
        "file": path,
        "package": package.name,
        "version": package.version,
        "digest": digest,
        "trusted": signers.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Ok(Report::new(fields, text).next(next))
}
