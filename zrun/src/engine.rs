//! How programs are compiled and what that depends on.

use wasmtime::{Config, Engine, OptLevel};
use zero_format::{Hints, OptLevel as Hinted};

use crate::limits::MAX_STACK;

/// What is compiled into a program's code besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EngineOptions {
    /// Whether the time limit can stop the program from another thread of this process. It costs about a tenth of the
    /// speed; a process that ends with the program has no need of it.
    pub interruptible: bool,
    /// Whether work is counted, for a fuel limit.
    pub fuel: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            interruptible: true,
            fuel: false,
        }
    }
}

impl EngineOptions {
    /// An engine that loads and runs code but cannot make any: it starts in microseconds.
    pub(crate) fn loader(self, hints: &Hints) -> wasmtime::Result<Engine> {
        let mut config = self.config(hints);
        config.enable_compiler(false);
        Engine::new(&config)
    }

    /// An engine that compiles.
    pub(crate) fn compiler(self, hints: &Hints) -> wasmtime::Result<Engine> {
        Engine::new(&self.config(hints))
    }

    fn config(self, hints: &Hints) -> Config {
        let mut config = Config::new();
        config
            .consume_fuel(self.fuel)
            .epoch_interruption(self.interruptible)
            .max_wasm_stack(MAX_STACK)
            .cranelift_opt_level(opt_level(hints))
            // Backtraces show functions, whose names are found without a map of every instruction.
            .generate_address_map(false)
            // A process that runs a program once copies its data; an image to map pays off with the second instance.
            .memory_init_cow(self.interruptible);
        // Only debuggers of this process would read it, and registering it costs more than all of WASI.
        #[cfg(not(windows))]
        config.native_unwind_info(false);
        config
    }

    /// Names everything that the code depends on besides the artifact. Wasmtime itself refuses code of another
    /// release, configuration or processor; the name only keeps such code apart so that both stay cached.
    pub(crate) fn fingerprint(self, hints: &Hints) -> String {
        format!(
            "zrun-{};wasmtime-48;{};{};{:?};fuel={};interruptible={}",
            // Releases of zrun may configure the engine differently; two in use do not evict each other's code.
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            cpu(),
            hints.compile.as_ref().and_then(|compile| compile.opt_level),
            self.fuel,
            self.interruptible,
        )
    }
}

fn opt_level(hints: &Hints) -> OptLevel {
    match hints.compile.as_ref().and_then(|compile| compile.opt_level) {
        Some(Hinted::None) => OptLevel::None,
        Some(Hinted::SpeedAndSize) => OptLevel::SpeedAndSize,
        _ => OptLevel::Speed,
    }
}

/// The processor features that decide what code may be used, one character each.
#[cfg(target_arch = "x86_64")]
fn cpu() -> String {
    use std::arch::is_x86_feature_detected as has;
    let features = [
        has!("sse3"),
        has!("ssse3"),
        has!("sse4.1"),
        has!("sse4.2"),
        has!("popcnt"),
        has!("avx"),
        has!("avx2"),
        has!("fma"),
        has!("bmi1"),
        has!("bmi2"),
        has!("lzcnt"),
        has!("cmpxchg16b"),
        has!("avx512bitalg"),
        has!("avx512dq"),
        has!("avx512f"),
        has!("avx512vl"),
        has!("avx512vbmi"),
    ];
    features
        .into_iter()
        .map(|has| if has { '1' } else { '0' })
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu() -> String {
    String::new()
}
