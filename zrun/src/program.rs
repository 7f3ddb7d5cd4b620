//! A program: verified, compiled, ready to run any number of times.

mod later;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, Module};
use zero_format::{
    Artifact, Digest, Hints, Import, Kind, Metadata, PublicKey, Receipt, Verified, required_imports,
};

use crate::cache::{Cache, UnpackError};
use crate::engine::{EngineOptions, Tier};
use crate::functions::Functions;
use crate::host::p2;
use crate::timekeeper::Timekeeper;
use later::Later;

/// Bytes from which on an artifact takes long enough to compile that a quick compiler is worth a second compilation.
const LARGE: usize = 64 << 10;

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
    functions: Functions,
    /// A component with its imports resolved, from its first run on.
    linked: OnceLock<InstancePre<p2::Host>>,
    timekeeper: OnceLock<Arc<Timekeeper>>,
    later: Option<Later>,
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
        let compiled = compile(artifact, options, Tier::Optimised, true)?;
        let loaded = load(
            Source::Bytes(&compiled),
            artifact.metadata(),
            options,
            Tier::Optimised,
        )
        .map_err(|error| refused(&error))?;
        Ok(Self::new(
            artifact.digest(),
            artifact.metadata(),
            artifact.signers(),
            options,
            loaded,
        ))
    }

    /// Makes a verified artifact ready with the help of the cache, and leaves there what a warm run needs.
    ///
    /// A large program that was never run gets code from the quick compiler where that is allowed; a run that lasts sees
    /// to better code for the next one. A cache that cannot be written does not keep the program from running.
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
        let found = found(cache, &digest, metadata, options);
        let (loaded, tier) = match found {
            Some(found) => found,
            None => made(artifact, options, cache)?,
        };
        let kept = cache.receipt(&digest);
        if kept.is_none_or(|receipt| receipt.signers != artifact.signers()) {
            let _ = cache.keep(artifact);
        }
        let mut program = Self::new(digest, metadata, artifact.signers(), options, loaded);
        program.bundled = bundled;
        program.scratch = Some(cache.home().cache_dir().to_owned());
        program.later = (tier == Tier::Baseline)
            .then(|| Later::new(digest, options, cache, Some(artifact.clone())));
        Ok(program)
    }

    /// A program that an earlier run verified and compiled; `None` if something of it is missing or was changed, or if
    /// it is time to compile it better.
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
        let (loaded, tier) = found(cache, &receipt.digest, &receipt.metadata, options)?;
        let mut program = Self::new(
            receipt.digest,
            &receipt.metadata,
            &receipt.signers,
            options,
            loaded,
        );
        program.bundled = bundled;
        program.scratch = Some(cache.home().cache_dir().to_owned());
        program.later =
            (tier == Tier::Baseline).then(|| Later::new(receipt.digest, options, cache, None));
        Some(program)
    }

    /// Gives the program functions of yours to import, besides those of WASI.
    #[must_use]
    pub fn with_functions(mut self, functions: Functions) -> Self {
        self.functions = functions;
        self.linked = OnceLock::new();
        self
    }

    fn new(
        digest: Digest,
        metadata: &Metadata,
        signers: &[PublicKey],
        options: EngineOptions,
        (engine, code): (Engine, Code),
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
            functions: Functions::default(),
            linked: OnceLock::new(),
            timekeeper: OnceLock::new(),
            later: None,
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

    /// Whether it can be started, rather than only called.
    pub fn is_command(&self) -> bool {
        match &self.code {
            Code::Module(module) => module.get_export("_start").is_some(),
            Code::Component(component) => {
                let ty = component.component_type();
                let mut exports = ty.exports(component.engine());
                exports.any(|(name, _)| name.starts_with("wasi:cli/run@"))
            }
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

    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// A component with its imports resolved: the first run resolves them, the others start at once.
    pub(crate) fn linked(&self, component: &Component) -> wasmtime::Result<&InstancePre<p2::Host>> {
        if let Some(linked) = self.linked.get() {
            return Ok(linked);
        }
        let mut linker = p2::linker(&self.engine, component)?;
        self.functions.link(&mut linker)?;
        let ready = linker.instantiate_pre(component)?;
        Ok(self.linked.get_or_init(|| ready))
    }

    /// Whoever keeps the time limits of all runs of this program.
    pub(crate) fn timekeeper(&self) -> &Arc<Timekeeper> {
        self.timekeeper
            .get_or_init(|| Timekeeper::new(self.engine.clone()))
    }

    /// Sees to better code for the next run if this one has quick code and lasts.
    pub(crate) fn improve(&self) {
        if let Some(later) = &self.later {
            later.clone().start();
        }
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

/// Code that an earlier run left, the better one first. Quick code is passed over once better code is wanted.
fn found(
    cache: &Cache,
    digest: &Digest,
    metadata: &Metadata,
    options: EngineOptions,
) -> Option<((Engine, Code), Tier)> {
    let open = |tier| {
        let fingerprint = options.fingerprint(&metadata.hints, tier);
        #[cfg(target_os = "linux")]
        if let Some(memory) = cache.mapped_code(digest, &fingerprint)
            && let Ok(loaded) = load(Source::Memory(memory), metadata, options, tier)
        {
            return Some((loaded, tier));
        }
        // Nothing is mapped here, or what was mapped may not be executed: a copy may.
        let code = cache.code(digest, &fingerprint)?;
        let loaded = load(Source::Bytes(&code), metadata, options, tier).ok();
        if loaded.is_none() {
            // Ours, but of another release of wasmtime.
            cache.discard_code(digest, &fingerprint);
        }
        Some((loaded?, tier))
    };
    let quick = || {
        let allowed = options.may_use_baseline(&metadata.hints) && !cache.is_wanted(digest);
        allowed.then(|| open(Tier::Baseline)).flatten()
    };
    open(Tier::Optimised).or_else(quick)
}

/// Compiles and keeps the code.
fn made(
    artifact: &Verified<Artifact>,
    options: EngineOptions,
    cache: &Cache,
) -> Result<((Engine, Code), Tier), ProgramError> {
    let digest = artifact.digest();
    let hints = &artifact.metadata().hints;
    let quick = artifact.bytes().len() >= LARGE
        && options.may_use_baseline(hints)
        && !cache.is_wanted(&digest);
    // What the quick compiler does not know, it refuses.
    let compiled = quick
        .then(|| compile(artifact, options, Tier::Baseline, true).ok())
        .flatten();
    let (compiled, tier) = if let Some(compiled) = compiled {
        (compiled, Tier::Baseline)
    } else {
        let compiled = compile(artifact, options, Tier::Optimised, true)?;
        (compiled, Tier::Optimised)
    };
    let loaded = load(Source::Bytes(&compiled), artifact.metadata(), options, tier)
        .map_err(|error| refused(&error))?;
    // Without it the next run compiles again; this one has what it needs.
    let _ = keep(cache, &digest, options, hints, tier, &compiled);
    Ok((loaded, tier))
}

/// Keeps code; better code takes the place of quick code.
fn keep(
    cache: &Cache,
    digest: &Digest,
    options: EngineOptions,
    hints: &Hints,
    tier: Tier,
    code: &[u8],
) -> std::io::Result<()> {
    cache.store_code(digest, &options.fingerprint(hints, tier), code)?;
    if tier == Tier::Optimised && cache.is_wanted(digest) {
        cache.discard_code(digest, &options.fingerprint(hints, Tier::Baseline));
        cache.no_longer_wanted(digest);
    }
    Ok(())
}

fn compile(
    artifact: &Verified<Artifact>,
    options: EngineOptions,
    tier: Tier,
    parallel: bool,
) -> Result<Vec<u8>, ProgramError> {
    if artifact.kind() == Kind::Component
        && let Some(import) = preview3(artifact.bytes())
    {
        return Err(ProgramError::Preview3 { import });
    }
    let engine = options
        .compiler(&artifact.metadata().hints, tier, parallel)
        .map_err(|error| refused(&error))?;
    let code = match artifact.kind() {
        Kind::Component => engine.precompile_component(artifact.bytes()),
        Kind::Module => engine.precompile_module(artifact.bytes()),
    };
    code.map_err(|error| refused(&error))
}

/// Where machine code lies.
enum Source<'a> {
    /// In memory of this process.
    Bytes(&'a [u8]),
    /// In memory that nobody can write to any more.
    #[cfg(target_os = "linux")]
    Memory(std::fs::File),
}

/// Loads machine code that [`compile`] made, in this process or in an earlier one.
#[expect(unsafe_code, reason = "machine code cannot be checked; its origin is")]
fn load(
    source: Source<'_>,
    metadata: &Metadata,
    options: EngineOptions,
    tier: Tier,
) -> wasmtime::Result<(Engine, Code)> {
    let engine = options.loader(&metadata.hints, tier)?;
    // SAFETY: the bytes are exactly what `Engine::precompile_*` returned. They come either straight from `compile`, or
    // from `Cache::code` or `Cache::mapped_code`, which return them only after checking a keyed hash over all of them in
    // this process's own memory; only `Cache::store_code` computes such a hash, over the output of `compile`. Code of
    // another release or configuration of wasmtime is refused by wasmtime itself. Bytes are copied before anything is
    // executed; a mapped file is sealed against every change, so that it stays what was hashed.
    let code = unsafe {
        match (metadata.kind, source) {
            (Kind::Component, Source::Bytes(code)) => {
                Code::Component(Component::deserialize(&engine, code)?)
            }
            (Kind::Module, Source::Bytes(code)) => {
                Code::Module(Module::deserialize(&engine, code)?)
            }
            #[cfg(target_os = "linux")]
            (Kind::Component, Source::Memory(file)) => {
                // There is no function that takes the open file itself.
                let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
                Code::Component(Component::deserialize_file(&engine, path)?)
            }
            #[cfg(target_os = "linux")]
            (Kind::Module, Source::Memory(file)) => {
                Code::Module(Module::deserialize_open_file(&engine, file)?)
            }
        }
    };
    Ok((engine, code))
}
