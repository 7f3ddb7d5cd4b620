//! `publish`: build, check, sign, and add to a registry.

use serde_json::json;
use zero_format::{Artifact, Minisig, Verified, Version};
use zero_registry::{Action, Blob, PackageState, ReleaseInfo, Role};

use super::target;
use crate::build::{self, Signing};
use crate::cli::Publish;
use crate::host::Session;
use crate::project::Project;
use crate::publisher::Publisher;
use crate::report::{Class, Failure, Report, human_size};

pub(crate) fn run(session: &Session, args: &Publish) -> Result<Report, Failure> {
    let publisher = Publisher::open(session, &args.writer)?;
    let artifact = artifact(session, args, &publisher)?;
    let name = artifact.metadata().package.name.clone();
    let version = artifact.metadata().package.version.clone();
    let added = {
        let _step = session.output.step("publishing");
        publisher.add(session, &name, args.dry_run, &|state| {
            plan(&publisher, state, &artifact)
        })?
    };
    let kinds: Vec<String> = added
        .events
        .iter()
        .map(|event| format!("{:?}", event.body().kind()).to_lowercase())
        .collect();
    let lines: Vec<String> = added
        .events
        .iter()
        .map(|event| String::from_utf8_lossy(event.line()).trim_end().to_owned())
        .collect();
    let fields = json!({
        "package": name,
        "version": version,
        "digest": artifact.digest(),
        "size": artifact.size(),
        "registry": publisher.place(),
        "published": !args.dry_run,
        "events": lines,
        "log_size": added.log_size,
    });
    let verb = if args.dry_run {
        "would publish"
    } else {
        "published"
    };
    let mut text = format!("{verb} {name} {version}\n");
    text += &format!("  registry  {}\n", publisher.place());
    text += &format!("  digest    {}\n", artifact.digest());
    text += &format!("  size      {}\n", human_size(artifact.size()));
    text += &format!("  signed by {}\n", publisher.key().public_key());
    text += &format!("  events    {}\n", kinds.join(", "));
    for words in artifact.metadata().capabilities.describe() {
        text += &format!("  may       {words}\n");
    }
    if args.dry_run && session.output.verbose {
        for line in &lines {
            text += &format!("{line}\n");
        }
    }
    let next = if args.dry_run {
        String::from("cargo zero publish")
    } else {
        format!("cargo zero run {name}@{version}")
    };
    Ok(Report::new(fields, text).next(next))
}

/// The file that was named, or the project, built with what its lock file says.
fn artifact(
    session: &Session,
    args: &Publish,
    publisher: &Publisher,
) -> Result<Verified<Artifact>, Failure> {
    let key = publisher.key();
    let (name, decoded) = if let Some(path) = args.file.as_ref().or(args.from.as_ref()) {
        let decoded = target::decode(path, target::read(path)?)?;
        (path.display().to_string(), decoded)
    } else {
        let project = Project::load(session)?;
        let built = build::build(session, &project, true)?;
        let bytes = built.sign(Signing::With(key))?;
        let name = built.file_name();
        let decoded = target::decode(std::path::Path::new(&name), bytes)?;
        (name, decoded)
    };
    zero_format::verify(decoded, &[key.public_key()]).map_err(|error| {
        Failure::new(
            Class::Untrusted,
            format!("{name} is not signed with the key that publishes it"),
        )
        .because(&error)
        .hint(format!("cargo zero sign {name}"))
    })
}

/// The first publication claims the name for the key.
fn plan(
    publisher: &Publisher,
    state: &PackageState,
    artifact: &Verified<Artifact>,
) -> Result<Vec<(Action, Option<Blob>)>, Failure> {
    let package = &artifact.metadata().package;
    if state.release(&package.version).is_some() {
        return Err(Failure::failed(format!(
            "{} {} is published already",
            package.name, package.version
        ))
        .hint(format!(
            "raise the version in Zero.toml, such as {}",
            next_patch(&package.version)
        )));
    }
    let mut actions = Vec::new();
    if state.release_role().is_none() {
        let role = Role::new(vec![publisher.key().public_key()], 1)
            .map_err(|error| Failure::failed("cannot claim the name").because(&error))?;
        actions.push((
            Action::Claim {
                release: role.clone(),
                admin: role,
            },
            None,
        ));
    }
    let release = ReleaseInfo {
        version: package.version.clone(),
        sha256: artifact.digest(),
        size: artifact.size(),
        runtime: Version::new(0, 1, 0),
        capabilities: artifact.metadata().capabilities.clone(),
    };
    let comment = format!("{} {}", package.name, package.version);
    let minisig = Minisig::sign(publisher.key(), artifact.bytes(), &comment);
    let blob = Blob {
        bytes: artifact.bytes().to_vec(),
        minisig,
    };
    actions.push((Action::Release(Box::new(release)), Some(blob)));
    Ok(actions)
}

fn next_patch(version: &Version) -> Version {
    Version::new(
        version.major,
        version.minor,
        version.patch.saturating_add(1),
    )
}
