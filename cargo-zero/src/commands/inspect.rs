//! `inspect`: what a package is, who signed it, what it can and cannot do, what it exports.

use std::fmt::Write as _;

use serde_json::json;
use zero_format::{Artifact, CapabilityKind, Export, Limits, PublicKey, key_id_hex};

use super::target::{self, Target};
use super::verify;
use crate::cli::Inspect;
use crate::host::Session;
use crate::registries;
use crate::report::{Failure, Report, human_size};

/// What is known about the signature.
enum Signed {
    /// By these trusted keys.
    By(Vec<PublicKey>),
    /// By keys that are not trusted here; these are their numbers.
    Unknown(Vec<String>),
}

pub(crate) fn run(session: &Session, args: &Inspect) -> Result<Report, Failure> {
    match Target::parse(&args.target)? {
        Target::File(path) => {
            let artifact = target::decode(&path, target::read(&path)?)?;
            let numbers = artifact
                .signatures()
                .iter()
                .map(|signature| key_id_hex(signature.key_id))
                .collect();
            // Looking is harmless, so an untrusted file is shown too, and said to be one.
            let signed = match zero_format::verify(artifact.clone(), &verify::trusted(session)?) {
                Ok(verified) => Signed::By(verified.signers().to_vec()),
                Err(_) => Signed::Unknown(numbers),
            };
            Ok(report(&path.display().to_string(), &artifact, &signed))
        }
        Target::Package(package) => {
            let (resolved, artifact) = registries::obtain(session, &package)?;
            Ok(report(
                &resolved.origin.to_string(),
                &artifact,
                &Signed::By(artifact.signers().to_vec()),
            ))
        }
    }
}

fn report(from: &str, artifact: &Artifact, signed: &Signed) -> Report {
    let metadata = artifact.metadata();
    let files = artifact.files().is_some();
    let (trusted, signers) = match signed {
        Signed::By(keys) => (true, keys.iter().map(PublicKey::to_base64).collect()),
        Signed::Unknown(numbers) => (false, numbers.clone()),
    };
    let fields = json!({
        "from": from,
        "digest": artifact.digest(),
        "size": artifact.size(),
        "trusted": trusted,
        "signers": signers,
        "files": files,
        "can": metadata.capabilities.describe(),
        "cannot": cannot(&metadata.capabilities.kinds()),
        "metadata": metadata,
    });
    Report::new(fields, text(from, artifact, signed))
}

fn text(from: &str, artifact: &Artifact, signed: &Signed) -> String {
    let metadata = artifact.metadata();
    let package = &metadata.package;
    let mut text = format!("{} {}", package.name, package.version);
    if let Some(description) = &package.description {
        text += &format!(": {description}");
    }
    text.push('\n');
    let mut line = |label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {label:<10} {value}");
    };
    line("from", from);
    line("kind", metadata.kind.as_str());
    line("size", &human_size(artifact.size()));
    line("digest", &artifact.digest().to_hex());
    match signed {
        Signed::By(keys) => {
            for key in keys {
                line("signed by", &format!("{key} (trusted)"));
            }
        }
        Signed::Unknown(numbers) if numbers.is_empty() => line("signed by", "nobody"),
        Signed::Unknown(numbers) => {
            for number in numbers {
                line(
                    "signed by",
                    &format!("key {number}, which you do not trust"),
                );
            }
        }
    }
    if let Some(license) = &package.license {
        line("license", license);
    }
    if let Some(repository) = &package.repository {
        line("source", repository);
    }
    if let Some(toolchain) = &metadata.build.toolchain {
        line("built by", toolchain);
    }
    if let Some(commit) = &metadata.build.vcs_commit {
        line("commit", commit);
    }
    if let Some(limits) = limits(&metadata.limits) {
        line("limits", &limits);
    }
    if let Some(resources) = &metadata.hints.resources {
        let memory = resources
            .peak_memory
            .map(|bytes| format!("{} of memory", human_size(bytes)));
        let fuel = resources.fuel.map(|fuel| format!("{fuel} units of fuel"));
        let both: Vec<String> = memory.into_iter().chain(fuel).collect();
        line("examples", &format!("used up to {}", both.join(" and ")));
    }
    text +=
        "\nIt can\n  - read its arguments and standard input, write to standard output and error\n";
    for need in metadata.capabilities.needs() {
        let _ = match need.reason {
            Some(reason) => writeln!(text, "  - {}: {reason}", need.words),
            None => writeln!(text, "  - {}", need.words),
        };
    }
    let cannot = cannot(&metadata.capabilities.kinds());
    if !cannot.is_empty() {
        let _ = writeln!(text, "It cannot {}", cannot.join(", "));
    }
    for export in &metadata.exports {
        text.push('\n');
        text += &describe(export);
    }
    text
}

fn limits(limits: &Limits) -> Option<String> {
    let parts: Vec<String> = [
        limits
            .memory
            .map(|bytes| format!("{} of memory", human_size(bytes))),
        limits.time_ms.map(|ms| {
            format!(
                "{} s",
                f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1000.0
            )
        }),
        limits
            .output
            .map(|bytes| format!("{} of output", human_size(bytes))),
        limits
            .write
            .map(|bytes| format!("{} written to files", human_size(bytes))),
        limits
            .handles
            .map(|handles| format!("{handles} open files and connections")),
        limits.fuel.map(|fuel| format!("{fuel} units of fuel")),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn cannot(kinds: &std::collections::BTreeSet<CapabilityKind>) -> Vec<&'static str> {
    [
        (CapabilityKind::Fs, "touch your files"),
        (CapabilityKind::Net, "open network connections"),
        (CapabilityKind::Http, "send HTTP requests"),
        (CapabilityKind::Env, "read environment variables"),
        (CapabilityKind::Clock, "read clocks"),
        (CapabilityKind::Random, "use random numbers"),
    ]
    .into_iter()
    .filter(|(kind, _)| !kinds.contains(kind))
    .map(|(_, words)| words)
    .collect()
}

fn describe(export: &Export) -> String {
    let mut text = format!("{} {}\n", export.name, export.ty);
    for line in export.doc.iter().flat_map(|doc| doc.lines()) {
        let _ = writeln!(text, "    {line}");
    }
    for param in export
        .params
        .iter()
        .filter(|param| param.doc.is_some() || param.unit.is_some())
    {
        let unit = param
            .unit
            .as_ref()
            .map(|unit| format!(" [{unit}]"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "    {}{unit}: {}",
            param.name,
            param.doc.as_deref().unwrap_or(&param.ty)
        );
    }
    for example in &export.examples {
        let args: Vec<String> = example.args.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "    ({}) = {}", args.join(", "), example.result);
    }
    text
}
