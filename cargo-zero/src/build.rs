//! `build`: from sources to one `.zero` file (spec/artifact.md).
//!
//! Compile → strip → bundle files → compare imports with capabilities → execute examples → metadata → assemble.
//! Nothing is written before all of it succeeded.

mod bundle;
mod clang;
mod component;
mod examples;
mod exports;
mod other;
mod rust;
mod source;
mod strip;
mod tool;

use std::path::{Path, PathBuf};

use zero_format::{
    BuildInfo, Digest, FileSet, Kind, Metadata, SecretKey, check_imports, required_imports,
};

use crate::host::Session;
use crate::keyring;
use crate::project::{Project, Recipe};
use crate::report::Failure;

/// What a compiler made.
pub(crate) struct Compiled {
    /// The module or component.
    wasm: Vec<u8>,
    /// Who made it: the compiler's version line.
    toolchain: String,
    /// What it was made for.
    target: String,
    /// The files that it was made from.
    inputs: Vec<PathBuf>,
}

/// A built project, not yet signed.
pub(crate) struct Built {
    bytes: Vec<u8>,
    metadata: Metadata,
    executed: usize,
}

/// Who signs a built project.
#[derive(Clone, Copy)]
pub(crate) enum Signing<'a> {
    /// Nobody.
    Nobody,
    /// This key.
    With(&'a SecretKey),
}

impl Built {
    /// The metadata that it carries.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// How many examples were executed.
    pub(crate) fn executed(&self) -> usize {
        self.executed
    }

    /// `NAME-VERSION.zero`; a scope becomes a prefix.
    pub(crate) fn file_name(&self) -> String {
        let package = &self.metadata.package;
        format!(
            "{}-{}.zero",
            package.name.as_str().replace('/', "-"),
            package.version
        )
    }

    /// The bytes of the file.
    pub(crate) fn sign(&self, signing: Signing<'_>) -> Result<Vec<u8>, Failure> {
        match signing {
            Signing::Nobody => Ok(self.bytes.clone()),
            Signing::With(key) => zero_format::sign(&self.bytes, &[key])
                .map_err(|error| Failure::failed("cannot sign the package").because(&error)),
        }
    }
}

/// The key that signs a build: the one that was named, or the default one if there is one.
pub(crate) fn signing_key(
    session: &Session,
    named: Option<&str>,
) -> Result<Option<SecretKey>, Failure> {
    match named {
        Some(name) => keyring::require(session, Some(name)).map(Some),
        None => keyring::open(session, None),
    }
}

/// Builds the project; `locked` refuses to touch Cargo.lock.
pub(crate) fn build(session: &Session, project: &Project, locked: bool) -> Result<Built, Failure> {
    let compiled = compile(session, project, locked)?;
    let wit = project.wit();
    let wasm = shape(project, &compiled, wit.as_deref())?;
    compare(session, project, &wasm)?;
    let files = bundle::files(project)?;
    let exports = exports::describe(&wasm, project.exports(), wit.as_deref())?;
    let mut metadata = project.metadata().clone();
    metadata.kind = if component::is_component(&wasm) {
        Kind::Component
    } else {
        Kind::Module
    };
    metadata.exports = exports;
    metadata.build = BuildInfo {
        target: Some(if metadata.kind == Kind::Component {
            String::from("wasm32-wasip2")
        } else {
            compiled.target.clone()
        }),
        toolchain: Some(compiled.toolchain.clone()),
        source_digest: Some(source_digest(project, &compiled, wit.as_deref())?),
        vcs_commit: source::commit(session, project.folder()),
        builder: Some(format!("cargo-zero {}", env!("CARGO_PKG_VERSION"))),
    };
    let executed = {
        let _step = session.output.step("executing the examples");
        examples::execute(&wasm, &metadata)?
    };
    if metadata.hints.resources.is_none() {
        metadata.hints.resources = executed.resources;
    }
    metadata.check().map_err(|error| {
        Failure::failed("the package's metadata would not be accepted")
            .because(&error)
            .hint_if(error.hint())
    })?;
    let bytes = assemble(&wasm, &metadata, files.as_ref())?;
    Ok(Built {
        bytes,
        metadata,
        executed: executed.count,
    })
}

fn compile(session: &Session, project: &Project, locked: bool) -> Result<Compiled, Failure> {
    let folder = project.folder();
    match project.recipe() {
        Recipe::Cargo { manifest, flags } => rust::compile(
            session,
            &manifest,
            project.package().name.base(),
            flags,
            locked,
        ),
        Recipe::Clang { sources, flags } => {
            let _step = session.output.step("compiling C");
            clang::compile(session, folder, &sources, flags)
        }
        Recipe::Module { module } => other::module(folder, &module),
        Recipe::Command {
            command,
            module,
            sources,
        } => other::command(session, folder, command, &module, &sources),
    }
}

/// Strips, and wraps a module if the project wants a component.
fn shape(project: &Project, compiled: &Compiled, wit: Option<&Path>) -> Result<Vec<u8>, Failure> {
    if !project.component() || component::is_component(&compiled.wasm) {
        return strip::strip(&compiled.wasm);
    }
    // The description of the world is among what is stripped, so wrapping comes first; names of the toolchain's
    // versions inside go before that.
    let module = strip::strip_producers(&compiled.wasm)?;
    strip::strip(&component::wrap(&module, wit, project.world())?)
}

/// An import whose capability is not declared is an error; a capability that nothing can use, a warning.
fn compare(session: &Session, project: &Project, wasm: &[u8]) -> Result<(), Failure> {
    let imports = required_imports(wasm)
        .map_err(|error| Failure::failed("the compiler's output cannot be read").because(&error))?;
    let report = check_imports(&imports, &project.metadata().capabilities);
    if let Some(import) = report.unknown.first() {
        return Err(Failure::failed(format!(
            "the program imports {import}, which no runtime of Zero provides"
        ))
        .hint_if(import.hint()));
    }
    if project.is_learning() {
        return Ok(());
    }
    if !report.undeclared.is_empty() {
        let mut failure = Failure::failed(format!(
            "{} does not declare what the program imports",
            project.manifest().display()
        ));
        let mut lines = String::from("  [capabilities]\n");
        for one in &report.undeclared {
            failure = failure.cause(one.to_string());
            lines += &format!("  {}\n", one.line);
        }
        return Err(failure.hint(format!(
            "if the program really needs it, add to Zero.toml:\n{}",
            lines.trim_end()
        )));
    }
    for kind in &report.unused {
        session.output.warn(&format!(
            "Zero.toml declares `{kind}`, which no import of the program can use"
        ));
    }
    Ok(())
}

/// Sources, manifest, README, WIT and bundled files: whatever the bytes depend on.
fn source_digest(
    project: &Project,
    compiled: &Compiled,
    wit: Option<&Path>,
) -> Result<Digest, Failure> {
    let mut inputs = compiled.inputs.clone();
    inputs.push(project.manifest().to_owned());
    inputs.extend(project.readme());
    for path in project.bundle() {
        inputs.extend(bundle::walk(&path)?);
    }
    if let Some(wit) = wit {
        inputs.extend(bundle::walk(wit)?);
    }
    source::digest(project.folder(), &inputs)
}

/// Puts the file together.
pub(crate) fn assemble(
    wasm: &[u8],
    metadata: &Metadata,
    files: Option<&FileSet>,
) -> Result<Vec<u8>, Failure> {
    zero_format::assemble(wasm, metadata, files).map_err(|error| {
        Failure::failed("cannot assemble the package")
            .because(&error)
            .hint_if(error.hint())
    })
}

/// Reads a file that the build needs.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::failed(format!("cannot read {}", path.display())).because(&error))
}
