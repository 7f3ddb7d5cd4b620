//! How programs are compiled and what that depends on.

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
};
use zero_format::{Hints, OptLevel as Hinted};

use crate::limits::{MAX_INSTANCES, MAX_STACK, MAX_TABLE_ELEMENTS};

/// Bytes of memory that an instance's place keeps for the next one instead of giving them back to the system.
const KEPT: usize = 64 << 10;

/// What is compiled into a program's code besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EngineOptions {
    /// Whether the time limit can stop the program from another thread of this process. It costs about a tenth of the
    /// speed; a process that ends with the program has no need of it.
    pub interruptible: bool,
    /// Whether work is counted, for a fuel limit.
    pub fuel: bool,
    /// How many instances may exist at once, each in a place that is prepared when the program is loaded; 0 makes room
    /// for each when it starts. Places pay off from the second instance on. Each reserves address space, not memory: 4
    /// GiB for every linear memory. One run of a module takes one place, of a component one for each module in it.
    pub instances: u32,
    /// Whether instructions whose result the processor may choose, NaN bits and relaxed SIMD, always give the same.
    pub deterministic: bool,
}

/// Which compiler makes the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Winch: one quick pass, for the first run.
    Baseline,
    /// Cranelift.
    Optimised,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            interruptible: true,
            fuel: false,
            instances: 0,
            deterministic: false,
        }
    }
}

impl EngineOptions {
    /// An engine that loads and runs code.
    pub(crate) fn loader(self, hints: &Hints, tier: Tier) -> wasmtime::Result<Engine> {
        let mut config = self.config(hints);
        match tier {
            // The calling convention belongs to the compiler, which has to be there for it.
            Tier::Baseline => config.strategy(Strategy::Winch),
            // Without a compiler it starts in microseconds.
            Tier::Optimised => config.enable_compiler(false),
        };
        if self.instances > 0 {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()));
        }
        Engine::new(&config)
    }

    /// An engine that compiles, on every core or on this thread alone.
    pub(crate) fn compiler(
        self,
        hints: &Hints,
        tier: Tier,
        parallel: bool,
    ) -> wasmtime::Result<Engine> {
        let mut config = self.config(hints);
        config.parallel_compilation(parallel);
        if tier == Tier::Baseline {
            config.strategy(Strategy::Winch);
        }
        Engine::new(&config)
    }

    /// Whether the first run may be served by quick code. Winch is as well supported as Cranelift on x86-64 only; it
    /// has no epochs, so it serves processes that end at their time limit; and code that counts fuel, or whose every
    /// result is fixed, shall be the same in every run.
    pub(crate) fn may_use_baseline(self, hints: &Hints) -> bool {
        let wanted = hints
            .compile
            .as_ref()
            .is_none_or(|compile| compile.baseline != Some(false));
        let the_same_always = self.fuel || self.deterministic;
        wanted && cfg!(all(target_arch = "x86_64", unix)) && !self.interruptible && !the_same_always
    }

    fn pool(self) -> PoolingAllocationConfig {
        let mut pool = PoolingAllocationConfig::new();
        let per_component = u32::try_from(MAX_INSTANCES).unwrap_or(u32::MAX);
        pool.total_core_instances(self.instances)
            .total_component_instances(self.instances)
            .total_memories(self.instances)
            .total_tables(self.instances)
            .max_core_instances_per_component(per_component)
            .max_memories_per_component(per_component)
            .max_tables_per_component(per_component)
            .table_elements(MAX_TABLE_ELEMENTS)
            .linear_memory_keep_resident(KEPT)
            .table_keep_resident(KEPT);
        pool
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
        if self.deterministic {
            config
                .cranelift_nan_canonicalization(true)
                .relaxed_simd_deterministic(true);
        }
        // Only debuggers of this process would read it, and registering it costs more than all of WASI.
        #[cfg(not(windows))]
        config.native_unwind_info(false);
        config
    }

    /// Names everything that the code depends on besides the artifact. Wasmtime itself refuses code of another
    /// release, configuration or processor; the name only keeps such code apart so that both stay cached.
    pub(crate) fn fingerprint(self, hints: &Hints, tier: Tier) -> String {
        format!(
            "zrun-{};wasmtime-48;{tier:?};{};{};{:?};fuel={};interruptible={};deterministic={}",
            // Releases of zrun may configure the engine differently; two in use do not evict each other's code.
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            cpu(),
            hints.compile.as_ref().and_then(|compile| compile.opt_level),
            self.fuel,
            self.interruptible,
            self.deterministic,
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
