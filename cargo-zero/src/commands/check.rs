//! `check`: everything that `build` does, and nothing written.

use serde_json::json;

use crate::build;
use crate::host::Session;
use crate::project::Project;
use crate::report::{Failure, Report};

pub(crate) fn run(session: &Session) -> Result<Report, Failure> {
    let project = Project::load(session)?;
    let built = build::build(session, &project, false)?;
    let metadata = built.metadata();
    let needs = metadata.capabilities.describe();
    let mut text = format!(
        "{} {} is sound\n",
        metadata.package.name, metadata.package.version
    );
    text += &match built.executed() {
        0 => String::from("  no examples\n"),
        count => format!("  {count} examples executed, all right\n"),
    };
    if needs.is_empty() {
        text += "  needs nothing\n";
    }
    for need in &needs {
        text += &format!("  needs to {need}\n");
    }
    let fields = json!({
        "package": metadata.package.name,
        "version": metadata.package.version,
        "kind": metadata.kind,
        "examples": built.executed(),
        "needs": needs,
        "exports": metadata.exports.iter().map(|export| &export.name).collect::<Vec<_>>(),
    });
    Ok(Report::new(fields, text))
}
