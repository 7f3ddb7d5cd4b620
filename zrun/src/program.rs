//! A program: verified, compiled, ready to run any number of times.

use std::path::{Path, PathBuf};

use wasmtime::component::Component;
use wasmtime::{Engine, Module};
use zero_format::{
    Artifact, Digest, Import, Kind, Metadata, PublicKey, Receipt, Verified, required_imports,
};

use crate::cache::{Cache, UnpackError};
use crate::engine::EngineOptions;

/// A verified program with its machine code.
pub struct Program {
    engine: Engine,
    code: Code,
    digest: Digest,
    metadata: Metadata,
    signers: Vec<PublicKey>,
    options: EngineOptions,
    bundled: Option<PathBuf>,
    scratch: Option<PathBuf>,
}

pub(crate) enum Code {
    Component(Component),
    Module(Module),
}

/// Why a program cannot be made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The program brings files and there is no cache to unpack them to.
    #[error("run the package without a cache: it brings files along")]
    Bundled,
    /// The WebAssembly in the artifact is refused.
    #[error("compile the program: {reason}")]
    Compile {
        /// What the compiler says.
        reason: String,
    },
    /// It needs a version of WASI that is not provided.
    #[error("run the program: it imports {import}, and WASI 0.3 is not provided yet")]
    Preview3 {
        /// The interface.
        import: String,
    },
    /// Its files cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
}

impl Program {
    /// Compiles a verified artifact without any cache.
    ///
    /// # Errors
    /// When the WebAssembly is refused, or the artifact brings files along.
    pub fn compile(
        artifact: &Verified<Artifact>,
        options: EngineOptions,
    ) -> Result<Self, ProgramError> {
        if artifact.files().is_some() {
            return Err(ProgramError::Bundled);
        }
        let code = compile(artifact, options)?;
        let (engine, code) =
            load(&code, artifact.metadata(), options).map_err(|error| refused(&error))?;
        Ok(Self::new(
            artifact.digest(),
            artifact.metadata(),
            artifact.signers(),
            options,
            engine,
            code,
        ))
    }

    /// Makes a verified artifact ready with the help of the cache, and leaves there what a warm run needs.
    ///
    /// A cache that cannot be written does not keep the program from running.
    ///
    /// # Errors
    /// When the WebAssembly is refused, or the files that it brings along cannot be unpacked.
    pub fn load(
        artifact: &Verified<Artifact>,
        options: EngineOptions,
        cache: &Cache,
    ) -> Result<Self, ProgramError> {
        let bundled = cache.unpack(artifact)?;
        let digest = artifact.digest();
        let metadata = artifact.metadata();
        let fingerprint = options.fingerprint(&metadata.hints);
        let cached = cache
            .code(&digest, &fingerprint)
            .and_then(|code| load(&code, metadata, options).ok());
        let (engine, code) = if let Some(found) = cached {
            found
        } else {
            let compiled = compile(artifact, options)?;
            let loaded = load(&compiled, metadata, options).map_err(|error| refused(&error))?;
            // The next run compiles again; this one has what it needs.
            let _ = cache.store_code(&digest, &fingerprint, &compiled);
            loaded
        };
        let _ = cache.keep(artifact);
        let mut program = Self::new(digest, metadata, artifact.signers(), options, engine, code);
        program.bundled = bundled;
        program.scratch = Some(cache.home().cache_dir().to_owned());
        Ok(program)
    }

    /// A program that an earlier run verified and compiled; `None` if something of it is missing or was changed.
    pub fn cached(
        receipt: &Verified<Receipt>,
        options: EngineOptions,
        cache: &Cache,
    ) -> Option<Self> {
        let bundled = if receipt.has_files {
            Some(cache.files(&receipt.digest)?)
        } else {
            None
        };
        let fingerprint = options.fingerprint(&receipt.metadata.hints);
        let code = cache.code(&receipt.digest, &fingerprint)?;
        let Ok((engine, code)) = load(&code, &receipt.metadata, options) else {
            // Ours, but of another release of wasmtime.
            cache.discard_code(&receipt.digest, &fingerprint);
            return None;
        };
        let mut program = Self::new(
            receipt.digest,
            &receipt.metadata,
            &receipt.signers,
            options,
            engine,
            code,
        );
        program.bundled = bundled;
        program.scratch = Some(cache.home().cache_dir().to_owned());
        Some(program)
    }

    fn new(
        digest: Digest,
        metadata: &Metadata,
        signers: &[PublicKey],
        options: EngineOptions,
        engine: Engine,
        code: Code,
    ) -> Self {
        Self {
            engine,
            code,
            digest,
            metadata: metadata.clone(),
            signers: signers.to_vec(),
            options,
            bundled: None,
            scratch: None,
        }
    }

    /// The digest of the artifact.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What the artifact says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The trusted keys that signed it.
    pub fn signers(&self) -> &[PublicKey] {
        &self.signers
    }

    /// Component or module.
    pub fn kind(&self) -> Kind {
        match self.code {
            Code::Component(_) => Kind::Component,
            Code::Module(_) => Kind::Module,
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn code(&self) -> &Code {
        &self.code
    }

    pub(crate) fn options(&self) -> EngineOptions {
        self.options
    }

    /// Where its own files are.
    pub(crate) fn bundled(&self) -> Option<&Path> {
        self.bundled.as_deref()
    }

    /// Where runs may put directories of their own.
    pub(crate) fn scratch(&self) -> Option<&Path> {
        self.scratch.as_deref()
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("digest", &self.digest)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

fn refused(error: &wasmtime::Error) -> ProgramError {
    ProgramError::Compile {
        reason: format!("{error:#}"),
    }
}

/// The first interface of WASI 0.3 that a component imports: spec/decisions/0004-wasi-0.3-waits.md.
fn preview3(component: &[u8]) -> Option<String> {
    let imports = required_imports(component).ok()?;
    let new = |import: &&Import| {
        let version = import.module.rsplit_once('@');
        import.module.starts_with("wasi:")
            && version.is_some_and(|(_, version)| version == "0.3" || version.starts_with("0.3."))
    };
    imports.iter().find(new).map(|import| import.module.clone())
}

fn compile(artifact: &Verified<Artifact>, options: EngineOptions) -> Result<Vec<u8>, ProgramError> {
    if artifact.kind() == Kind::Component
        && let Some(import) = preview3(artifact.bytes())
    {
        return Err(ProgramError::Preview3 { import });
    }
    let engine = options
        .compiler(&artifact.metadata().hints)
        .map_err(|error| refused(&error))?;
    let code = match artifact.kind() {
        Kind::Component => engine.precompile_component(artifact.bytes()),
        Kind::Module => engine.precompile_module(artifact.bytes()),
    };
    code.map_err(|error| refused(&error))
}

/// Loads machine code that [`compile`] made, in this process or in an earlier one.
#[expect(unsafe_code, reason = "machine code cannot be checked; its origin is")]
fn load(
    code: &[u8],
    metadata: &Metadata,
    options: EngineOptions,
) -> wasmtime::Result<(Engine, Code)> {
    let engine = options.loader(&metadata.hints)?;
    // SAFETY: the bytes are exactly what `Engine::precompile_*` returned. They come either straight from `compile`, or
    // from `Cache::code`, which returns bytes only after checking a keyed hash over all of them in this process's own
    // memory; only `Cache::store_code` computes such a hash, over the output of `compile`. Code of another release or
    // configuration of wasmtime is refused by wasmtime itself. The bytes are copied before anything is executed.
    let code = unsafe {
        match metadata.kind {
            Kind::Component => Code::Component(Component::deserialize(&engine, code)?),
            Kind::Module => Code::Module(Module::deserialize(&engine, code)?),
        }
    };
    Ok((engine, code))
}
