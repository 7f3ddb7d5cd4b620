//! Runs one function of a module in a fresh sandbox: no imports, limited fuel, limited memory.

use wasmtime::{
    Config, Engine, Instance, Module, OptLevel, Store, StoreLimits, StoreLimitsBuilder, Trap, Val,
};

use crate::limits;

/// Bytes of a page of memory.
const PAGE: u32 = 65_536;

/// Compiles modules for execution.
#[derive(Debug)]
pub(crate) struct Sandbox(Engine);

/// A compiled module.
pub(super) struct Program {
    module: Module,
    /// Pages that its memory starts with; 0 without memory.
    pub(super) pages: u32,
}

/// What a function is called with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    pub(super) args: Vec<Argument>,
    /// What is written to memory before the call.
    pub(super) buffers: Vec<Buffer>,
    /// Pages that memory must have.
    pub(super) pages: u32,
}

/// A piece of memory that a function is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buffer {
    pub(super) address: u32,
    pub(super) bytes: Vec<u8>,
    /// Where in it addresses stand.
    pub(super) addresses: Vec<usize>,
    /// The function promises not to write to it.
    pub(super) readonly: bool,
}

impl Buffer {
    /// Whether an address is in it, or just after its end.
    pub(super) fn holds(&self, address: u32) -> bool {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        (self.address..=self.address.saturating_add(length)).contains(&address)
    }
}

/// What is behind a result that is an address.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Behind {
    /// Nothing that could be read.
    Nothing,
    /// So many bytes, with addresses at these places.
    Bytes(usize, Vec<usize>),
    /// A text that ends in NUL.
    Text,
}

/// A number, by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Argument {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    /// It returned: the result, what the buffers hold, and what the result points to.
    Returned {
        result: Option<Argument>,
        buffers: Vec<Vec<u8>>,
        behind: Option<Vec<u8>>,
    },
    /// It did something undefined, or gave up.
    Trapped,
    /// It ran out of fuel or memory, or cannot be called at all.
    Stopped,
}

impl Argument {
    fn val(self) -> Val {
        match self {
            Self::I32(value) => Val::I32(value),
            Self::I64(value) => Val::I64(value),
            Self::F32(bits) => Val::F32(bits),
            Self::F64(bits) => Val::F64(bits),
        }
    }

    fn of(value: &Val) -> Option<Self> {
        Some(match value {
            Val::I32(value) => Self::I32(*value),
            Val::I64(value) => Self::I64(*value),
            Val::F32(bits) => Self::F32(*bits),
            Val::F64(bits) => Self::F64(*bits),
            _ => return None,
        })
    }

    /// As an instruction of WebAssembly text.
    pub(super) fn text(self) -> String {
        let float = |value: f64, short: String| {
            // The text format writes these words; Rust's have capitals.
            if value.is_nan() {
                String::from("nan")
            } else {
                short
            }
        };
        match self {
            Self::I32(value) => format!("i32.const {value}"),
            Self::I64(value) => format!("i64.const {value}"),
            Self::F32(bits) => {
                let value = f32::from_bits(bits);
                format!("f32.const {}", float(value.into(), format!("{value:?}")))
            }
            Self::F64(bits) => {
                let value = f64::from_bits(bits);
                format!("f64.const {}", float(value, format!("{value:?}")))
            }
        }
    }
}

impl Sandbox {
    /// An engine that gives the same results everywhere.
    pub(crate) fn new() -> Option<Self> {
        let mut config = Config::new();
        config
            .consume_fuel(true)
            // Modules run for microseconds: compiling them must be as short.
            .cranelift_opt_level(OptLevel::None)
            .cranelift_nan_canonicalization(true)
            .max_wasm_stack(256 * 1024)
            .wasm_backtrace_max_frames(None);
        Engine::new(&config).ok().map(Self)
    }

    pub(super) fn load(&self, wasm: &[u8]) -> Option<Program> {
        let module = Module::new(&self.0, wasm).ok()?;
        let pages = module
            .exports()
            .find_map(|export| export.ty().memory().map(wasmtime::MemoryType::minimum))
            .unwrap_or(0);
        Some(Program {
            module,
            pages: u32::try_from(pages).ok()?,
        })
    }

    /// Calls a function. `behind` says what its result is the address of.
    pub(super) fn call(
        &self,
        program: &Program,
        name: &str,
        input: &Input,
        behind: &Behind,
    ) -> Outcome {
        let memory = StoreLimitsBuilder::new()
            .memory_size(limits::SANDBOX_MEMORY)
            .build();
        let mut store = Store::new(&self.0, memory);
        store.limiter(|limits| limits);
        run(&mut store, program, name, input, behind).unwrap_or(Outcome::Stopped)
    }
}

fn run(
    store: &mut Store<StoreLimits>,
    program: &Program,
    name: &str,
    input: &Input,
    behind: &Behind,
) -> Option<Outcome> {
    store.set_fuel(limits::FUEL).ok()?;
    let instance = Instance::new(&mut *store, &program.module, &[]).ok()?;
    let function = instance.get_func(&mut *store, name)?;
    let memory = instance.get_memory(&mut *store, "memory");
    if let Some(memory) = memory {
        let has = memory.size(&*store);
        memory
            .grow(&mut *store, u64::from(input.pages).saturating_sub(has))
            .ok()?;
        for buffer in &input.buffers {
            memory
                .write(
                    &mut *store,
                    usize::try_from(buffer.address).ok()?,
                    &buffer.bytes,
                )
                .ok()?;
        }
    }
    let args: Vec<Val> = input.args.iter().map(|arg| arg.val()).collect();
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    if let Err(error) = function.call(&mut *store, &args, &mut results) {
        return Some(match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel | Trap::StackOverflow) | None => Outcome::Stopped,
            Some(_) => Outcome::Trapped,
        });
    }
    let result = results.first().and_then(Argument::of);
    let Some(memory) = memory else {
        // A function that looks at no memory changes none.
        let before = input.buffers.iter().map(|buffer| buffer.bytes.clone());
        return Some(Outcome::Returned {
            result,
            buffers: before.collect(),
            behind: None,
        });
    };
    let data = memory.data(&*store);
    let read = |address: u32, length: usize| {
        let start = usize::try_from(address).ok()?;
        data.get(start..start.checked_add(length)?)
    };
    let mut buffers = Vec::with_capacity(input.buffers.len());
    for buffer in &input.buffers {
        buffers.push(read(buffer.address, buffer.bytes.len())?.to_vec());
    }
    let behind = match result {
        Some(Argument::I32(address)) if address != 0 => {
            let address = address.cast_unsigned();
            match behind {
                Behind::Nothing => None,
                Behind::Bytes(length, _) => Some(read(address, *length)?.to_vec()),
                Behind::Text => Some(until_nul(data.get(usize::try_from(address).ok()?..)?)?),
            }
        }
        _ => None,
    };
    Some(Outcome::Returned {
        result,
        buffers,
        behind,
    })
}

fn until_nul(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = bytes
        .iter()
        .take(limits::TEXT)
        .position(|byte| *byte == 0)?;
    Some(bytes[..end].to_vec())
}

/// The first address after so many pages.
pub(super) fn after(pages: u32) -> u32 {
    pages.saturating_mul(PAGE)
}
