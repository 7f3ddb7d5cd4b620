//! A project: its Zero.toml, what that inherits from Cargo.toml, and where its files are (spec/manifest.md).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use zero_format::{
    BuildKind, Capabilities, CargoPackage, ExportSpec, Kind, Manifest, Metadata, Package, Target,
};

use crate::host::Session;
use crate::report::{Class, Failure};

/// The manifest's name.
pub(crate) const NAME: &str = "Zero.toml";

/// What makes the program, with everything that it needs.
pub(crate) enum Recipe<'a> {
    /// A Cargo package.
    Cargo {
        manifest: PathBuf,
        flags: &'a [String],
    },
    /// C sources.
    Clang {
        sources: Vec<PathBuf>,
        flags: &'a [String],
    },
    /// A command that leaves a module.
    Command {
        command: &'a [String],
        module: PathBuf,
        sources: Vec<PathBuf>,
    },
    /// A module that is there.
    Module { module: PathBuf },
}

/// A project with a manifest that holds together.
#[derive(Debug)]
pub(crate) struct Project {
    manifest: PathBuf,
    folder: PathBuf,
    parsed: Manifest,
    metadata: Metadata,
    /// What the program needs is not known yet: an undeclared import is no mistake.
    learning: bool,
}

impl Project {
    /// The project that the command is about: `--manifest-path`, or the nearest Zero.toml above the current folder.
    pub(crate) fn load(session: &Session) -> Result<Self, Failure> {
        let manifest = locate(session)?;
        let text = fs::read_to_string(&manifest).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Failure::new(Class::NotFound, format!("no file {}", manifest.display()))
                    .hint("`cargo zero new NAME` makes a project")
            }
            _ => Failure::failed(format!("cannot read {}", manifest.display())).because(&error),
        })?;
        let folder = manifest.parent().unwrap_or(Path::new(".")).to_owned();
        let shown = manifest.display().to_string();
        let parsed = Manifest::parse(&text).map_err(|error| {
            let mistakes = match error.problems().count() {
                1 => String::from("a mistake"),
                count => format!("{count} mistakes"),
            };
            Failure::failed(format!("{shown} has {mistakes}"))
                .details(error.render(&shown))
                .hint_if(error.hint())
        })?;
        let parsed = inherit(session, &folder, parsed)?;
        let mut metadata = parsed.metadata(Kind::Module).map_err(|error| {
            Failure::failed(format!("{shown} is incomplete"))
                .because(&error)
                .hint(error.hint())
        })?;
        if let Some(readme) = &parsed.package.readme {
            let path = folder.join(readme);
            let text = fs::read_to_string(&path).map_err(|error| {
                Failure::failed(format!("cannot read the README {}", path.display()))
                    .because(&error)
                    .hint("correct `readme` in Zero.toml, or remove the line")
            })?;
            metadata.package.readme = Some(text.replace("\r\n", "\n"));
        }
        Ok(Self {
            manifest,
            folder,
            parsed,
            metadata,
            learning: false,
        })
    }

    /// The same project for a run that learns, with what that run assumes instead of what the manifest declares.
    #[must_use]
    pub(crate) fn assuming(mut self, capabilities: Capabilities) -> Self {
        self.metadata.capabilities = capabilities;
        self.learning = true;
        self
    }

    /// Whether what the program needs is to be learned.
    pub(crate) fn is_learning(&self) -> bool {
        self.learning
    }

    /// The manifest's path.
    pub(crate) fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// The folder that paths in the manifest are relative to.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Name, version and the rest.
    pub(crate) fn package(&self) -> &Package {
        &self.metadata.package
    }

    /// The metadata, as far as the manifest tells it.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What is said about exports.
    pub(crate) fn exports(&self) -> &[ExportSpec] {
        &self.parsed.exports
    }

    /// What makes the program.
    pub(crate) fn recipe(&self) -> Recipe<'_> {
        let build = &self.parsed.build;
        let paths = |texts: &[String]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        let module = || PathBuf::from(build.module.clone().unwrap_or_default());
        match build.kind {
            BuildKind::Cargo => Recipe::Cargo {
                manifest: self.folder.join("Cargo.toml"),
                flags: &build.flags,
            },
            BuildKind::Clang => Recipe::Clang {
                sources: paths(&build.sources),
                flags: &build.flags,
            },
            BuildKind::Command => Recipe::Command {
                command: &build.command,
                module: module(),
                sources: paths(&build.sources),
            },
            BuildKind::Module => Recipe::Module { module: module() },
        }
    }

    /// Whether a module is made into a component.
    pub(crate) fn component(&self) -> bool {
        let build = &self.parsed.build;
        build
            .component
            .unwrap_or(build.target == Some(Target::Wasip2))
    }

    /// The folder of the WIT packages: as said, or `wit` if it is there.
    pub(crate) fn wit(&self) -> Option<PathBuf> {
        match &self.parsed.build.wit {
            Some(path) => Some(self.folder.join(path)),
            None => Some(self.folder.join("wit")).filter(|path| path.is_dir()),
        }
    }

    /// The world among them.
    pub(crate) fn world(&self) -> Option<&str> {
        self.parsed.build.world.as_deref()
    }

    /// Files and folders that travel with the program.
    pub(crate) fn bundle(&self) -> Vec<PathBuf> {
        self.parsed
            .build
            .files
            .iter()
            .map(|path| self.folder.join(path))
            .collect()
    }

    /// The README's path.
    pub(crate) fn readme(&self) -> Option<PathBuf> {
        self.parsed
            .package
            .readme
            .as_ref()
            .map(|path| self.folder.join(path))
    }
}

/// The manifest of the project that a command is about, if it is about one.
pub(crate) fn manifest(session: &Session) -> Option<PathBuf> {
    locate(session).ok().filter(|path| path.is_file())
}

fn locate(session: &Session) -> Result<PathBuf, Failure> {
    let missing = || {
        Failure::new(Class::NotFound, format!("no {NAME} here or in any folder above"))
        .hint("`cargo zero new NAME` makes a project; an existing one needs a Zero.toml with name and version under [package]")
    };
    let failed =
        |error: &io::Error| Failure::failed("cannot tell the current folder").because(error);
    if let Some(path) = &session.manifest_path {
        let path = if path.is_dir() {
            path.join(NAME)
        } else {
            path.clone()
        };
        return std::path::absolute(path).map_err(|error| failed(&error));
    }
    let here = std::env::current_dir().map_err(|error| failed(&error))?;
    here.ancestors()
        .map(|folder| folder.join(NAME))
        .find(|path| path.is_file())
        .ok_or_else(missing)
}

/// Fills in what the manifest leaves to the Cargo package beside it.
fn inherit(session: &Session, folder: &Path, parsed: Manifest) -> Result<Manifest, Failure> {
    let path = folder.join("Cargo.toml");
    let package = &parsed.package;
    let complete =
        package.name.is_some() && package.version.is_some() && package.inherited.is_empty();
    if !path.is_file() {
        if parsed.build.kind == BuildKind::Cargo {
            return Err(Failure::new(Class::NotFound, format!("no {} for `kind = \"cargo\"`", path.display()))
                .hint("say under [build] what makes the program: kind = \"clang\", \"module\" or \"command\""));
        }
        return Ok(parsed);
    }
    // Asking cargo costs time, and a description that Cargo.toml has is worth having too.
    if complete && package.description.is_some() && package.license.is_some() {
        return Ok(parsed);
    }
    let mut query = MetadataCommand::new();
    query
        .cargo_path(session.env.cargo())
        .manifest_path(&path)
        .no_deps();
    let metadata = query.exec().map_err(|error| {
        let said = match &error {
            cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().to_owned(),
            other => other.to_string(),
        };
        Failure::failed(format!("cargo cannot read {}", path.display())).details(said)
    })?;
    let canonical = path.canonicalize().unwrap_or(path);
    let package = metadata.packages.iter().find(|package| {
        package
            .manifest_path
            .as_std_path()
            .canonicalize()
            .is_ok_and(|found| found == canonical)
    });
    let Some(package) = package else {
        return Ok(parsed);
    };
    let cargo = CargoPackage {
        name: package.name.to_string(),
        version: package.version.clone(),
        description: package.description.clone(),
        license: package.license.clone(),
        repository: package.repository.clone(),
        authors: package.authors.clone(),
    };
    parsed.inherit(&cargo).map_err(|error| {
        Failure::failed("cannot take the package's fields from Cargo.toml")
            .because(&error)
            .hint(error.hint())
    })
}
