//! Better code for the next run, made while this one runs (spec/decisions, "Two compilers").

use std::thread;
use std::time::Duration;

use zero_format::{Artifact, Digest, Verified};

use super::{compile, keep};
use crate::cache::Cache;
use crate::engine::{EngineOptions, Tier};

/// How long a run lasts before better code is worth anything to the next one.
const PATIENCE: Duration = Duration::from_millis(20);
/// Cranelift recurses over nested blocks.
const STACK: usize = 8 << 20;

/// What is to be done while a program runs on quick code.
#[derive(Clone)]
pub(super) struct Later {
    digest: Digest,
    options: EngineOptions,
    cache: Cache,
    /// What to compile; a warm run does not have it at hand and leaves it to the next one.
    artifact: Option<Verified<Artifact>>,
}

impl Later {
    pub(super) fn new(
        digest: Digest,
        options: EngineOptions,
        cache: &Cache,
        artifact: Option<Verified<Artifact>>,
    ) -> Self {
        Self {
            digest,
            options,
            cache: cache.clone(),
            artifact,
        }
    }

    /// Does it on a thread of its own that ends with the process, whether or not it is done.
    pub(super) fn start(self) {
        let work = move || {
            thread::sleep(PATIENCE);
            self.work();
        };
        // Without the thread the next run is no worse off than this one.
        let _ = thread::Builder::new()
            .name("zrun-improve".to_owned())
            .stack_size(STACK)
            .spawn(work);
    }

    /// Says that better code is wanted, then makes it. If the process ends in between, the next run makes it first.
    fn work(&self) {
        if self.cache.want(&self.digest).is_err() {
            return;
        }
        let Some(artifact) = &self.artifact else {
            return;
        };
        step_back();
        // On this thread alone: the others belong to the program.
        if let Ok(code) = compile(artifact, self.options, Tier::Optimised, false) {
            let hints = &artifact.metadata().hints;
            let _ = keep(
                &self.cache,
                &self.digest,
                self.options,
                hints,
                Tier::Optimised,
                &code,
            );
        }
    }
}

/// Gives this thread what the processors have left over.
fn step_back() {
    // On Linux a priority is a thread's; elsewhere this would slow the program down.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{LARGE, Program};
    use crate::{Home, Io, Runner};

    /// A program that is large enough for two compilers, and what runs it.
    fn large() -> (Verified<Artifact>, EngineOptions) {
        let filler = "x".repeat(LARGE);
        let wasm = wat::parse_str(format!(
            r#"(module (memory 2) (data (i32.const 0) "{filler}") (func (export "_start")))"#
        ))
        .unwrap();
        let package = zero_format::Package::new("large".parse().unwrap(), "1.0.0".parse().unwrap());
        let metadata = zero_format::Metadata::new(zero_format::Kind::Module, package);
        let key = zero_format::SecretKey::generate([7; 40]);
        let unsigned = zero_format::assemble(&wasm, &metadata, None).unwrap();
        let signed = zero_format::sign(&unsigned, &[&key]).unwrap();
        let artifact = Artifact::decode(signed).unwrap();
        let options = EngineOptions {
            interruptible: false,
            ..EngineOptions::default()
        };
        let verified = zero_format::verify(artifact, &[key.public_key()]).unwrap();
        (verified, options)
    }

    fn run(program: &Program) -> i32 {
        let runner = Runner::new(program).io(Io::default()).on_time_limit(|_| {});
        runner.run().unwrap().code
    }

    fn is_quick(program: &Program) -> bool {
        program.later.is_some()
    }

    #[test]
    fn quick_code_serves_until_better_code_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&Home::at(dir.path())).unwrap();
        let (artifact, options) = large();
        let first = Program::load(&artifact, options, &cache).unwrap();
        assert_eq!(run(&first), 0);
        if !options.may_use_baseline(&artifact.metadata().hints) {
            assert!(!is_quick(&first));
            return;
        }
        assert!(is_quick(&first));
        let receipt = cache.receipt(&artifact.digest()).unwrap();
        let second = Program::cached(&receipt, options, &cache).unwrap();
        assert!(is_quick(&second));
        assert_eq!(run(&second), 0);

        first.later.unwrap().work();
        let third = Program::cached(&receipt, options, &cache).unwrap();
        assert!(!is_quick(&third));
        assert_eq!(run(&third), 0);
        assert_eq!(cache.info().unwrap().programs, 1);
    }

    #[test]
    fn a_run_that_was_cut_off_has_the_next_one_compile_first() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&Home::at(dir.path())).unwrap();
        let (artifact, options) = large();
        let first = Program::load(&artifact, options, &cache).unwrap();
        let receipt = cache.receipt(&artifact.digest()).unwrap();
        let Some(warm) = Program::cached(&receipt, options, &cache).unwrap().later else {
            return;
        };
        warm.work();
        assert!(Program::cached(&receipt, options, &cache).is_none());
        let second = Program::load(&artifact, options, &cache).unwrap();
        assert!(is_quick(&first) && !is_quick(&second));
        assert!(Program::cached(&receipt, options, &cache).is_some());
    }

    #[test]
    fn a_package_can_do_without_the_quick_compiler() {
        let hints = zero_format::Hints {
            compile: Some(zero_format::Compile {
                baseline: Some(false),
                ..Default::default()
            }),
            ..Default::default()
        };
        let options = large().1;
        assert!(!options.may_use_baseline(&hints));
        assert!(!EngineOptions::default().may_use_baseline(&zero_format::Hints::default()));
    }
}
