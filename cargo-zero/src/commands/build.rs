//! `build`: one `.zero` file, signed if there is a key.

use serde_json::json;
use zero_format::Digest;

use crate::build::{self, Signing};
use crate::cli::Build;
use crate::host::Session;
use crate::project::Project;
use crate::report::{Failure, Report, human_size};
use crate::write;

pub(crate) fn run(session: &Session, args: &Build) -> Result<Report, Failure> {
    let project = Project::load(session)?;
    // A wrong password should not cost a build.
    let key = if args.no_sign {
        None
    } else {
        build::signing_key(session, args.key.as_deref())?
    };
    let built = build::build(session, &project, false)?;
    let bytes = built.sign(key.as_ref().map_or(Signing::Nobody, Signing::With))?;
    let path = match &args.output {
        Some(path) => path.clone(),
        None => project
            .folder()
            .join("target")
            .join("zero")
            .join(built.file_name()),
    };
    write::replace(&path, &bytes)?;
    let (digest, size) = (
        Digest::of(&bytes),
        u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    );
    let metadata = built.metadata();
    let signer = key.as_ref().map(zero_format::SecretKey::public_key);
    let needs = metadata.capabilities.describe();
    let mut text = format!("{}\n", path.display());
    text += &format!(
        "  package   {} {} ({})\n",
        metadata.package.name, metadata.package.version, metadata.kind
    );
    text += &format!("  size      {}\n  digest    {digest}\n", human_size(size));
    text += &match &signer {
        Some(key) => format!("  signed by {key}\n"),
        None => String::from("  signed by nobody\n"),
    };
    if built.executed() > 0 {
        text += &format!("  examples  {} executed, all right\n", built.executed());
    }
    if needs.is_empty() {
        text += "  needs     nothing\n";
    }
    for need in &needs {
        text += &format!("  needs     to {need}\n");
    }
    let fields = json!({
        "path": path,
        "package": metadata.package.name,
        "version": metadata.package.version,
        "kind": metadata.kind,
        "size": size,
        "digest": digest,
        "signers": signer.iter().map(zero_format::PublicKey::to_base64).collect::<Vec<_>>(),
        "examples": built.executed(),
        "needs": needs,
        "capabilities": metadata.capabilities,
    });
    let report = Report::new(fields, text);
    Ok(match signer {
        Some(_) => report,
        None if args.no_sign => report.next(format!("cargo zero sign {}", path.display())),
        None => report.next("cargo zero key generate, then build again: unsigned files do not run"),
    })
}
