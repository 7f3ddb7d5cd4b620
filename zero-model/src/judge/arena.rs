//! Instances in which calls are tried, one for each call.

use wasmi::errors::{ErrorKind, InstantiationError, MemoryError};
use wasmi::{
    Config, Engine, Error, ExternType, Instance, Memory, Module, ResourceLimiter, Store, TrapCode,
    Val, ValType,
};

use super::{Limits, Verdict};
use crate::task::{Buffer, Call, Signature, Type, Value};

/// The memory that calls with buffers need.
const MEMORY: &str = "memory";
const PAGE: usize = 64 << 10;
/// Bytes around each buffer that nobody may change, and what they are.
const GUARD: usize = 16;
const UNTOUCHED: u8 = 0xa5;

/// A module that is ready to be called.
pub(super) struct Arena<'a> {
    engine: Engine,
    module: Module,
    signature: &'a Signature,
    limits: Limits,
}

impl<'a> Arena<'a> {
    /// Validates a module and compares what it offers with what is asked for. The engine is its own: engines keep what
    /// they have translated, and nothing of one answer is to meet another.
    pub(super) fn open(
        limits: Limits,
        signature: &'a Signature,
        needs_memory: bool,
        wasm: &[u8],
    ) -> Result<Self, Verdict> {
        let invalid = |reason: String| Verdict::Invalid { reason };
        if wasmparser::Parser::is_component(wasm) {
            return Err(invalid("it is a component, not a module".to_owned()));
        }
        let mut config = Config::default();
        // What came after 2.0 (spec/eval.md, "Judging"): the default has it.
        config
            .wasm_tail_call(false)
            .wasm_multi_memory(false)
            .wasm_extended_const(false)
            .consume_fuel(true)
            .set_max_recursion_depth(limits.depth);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm).map_err(|error| invalid(error.to_string()))?;
        if let Some(import) = module.imports().next() {
            let import = format!("\"{}\" \"{}\"", import.module(), import.name());
            return Err(Verdict::Imports { import });
        }
        interface(&module, signature, needs_memory)
            .map_err(|reason| Verdict::Signature { reason })?;
        Ok(Self {
            engine,
            module,
            signature,
            limits,
        })
    }

    /// Tries one call in an instance of its own; also says how much work it was.
    pub(super) fn call(&self, at: usize, call: &Call, fuel: u64) -> (u64, Result<(), Verdict>) {
        let mut store = Store::new(&self.engine, Meter::new(self.limits));
        store.limiter(|meter| meter);
        if let Err(error) = store.set_fuel(fuel) {
            return (0, Err(self.stopped(at, &store, &error)));
        }
        let outcome = self.call_in(&mut store, at, call);
        (fuel - store.get_fuel().unwrap_or(0), outcome)
    }

    fn call_in(&self, store: &mut Store<Meter>, at: usize, call: &Call) -> Result<(), Verdict> {
        let instance = match Instance::new(&mut *store, &self.module, &[]) {
            Ok(instance) => instance,
            Err(error) => return Err(self.stopped(at, store, &error)),
        };
        let buffers = Buffers::write(store, instance, call)?;
        let mut addresses = buffers.places.iter();
        let mut args = Vec::with_capacity(call.args.len());
        for (value, ty) in call.args.iter().zip(&self.signature.params) {
            let bits = match value {
                Value::Number(json) => ty.bits(json),
                Value::Buffer(_) => addresses
                    .next()
                    .and_then(|(address, _)| u64::try_from(*address).ok()),
            };
            args.push(val(*ty, bits.unwrap_or_default()));
        }
        let function = instance.get_func(&*store, &self.signature.name);
        let mut results = [val(self.signature.result, 0)];
        let called = function.map_or_else(
            || Err(Error::new("the function is gone")),
            |function| function.call(&mut *store, &args, &mut results),
        );
        if let Err(error) = called {
            return Err(self.stopped(at, store, &error));
        }
        let right = self
            .returned(store, instance, call, &results[0])
            .and_then(|()| buffers.compare(store, call));
        right.map_err(|reason| Verdict::Wrong { call: at, reason })
    }

    fn returned(
        &self,
        store: &Store<Meter>,
        instance: Instance,
        call: &Call,
        result: &Val,
    ) -> Result<(), String> {
        let ty = self.signature.result;
        let actual = bits(result);
        match &call.result {
            None => Ok(()),
            Some(Value::Number(expected)) => {
                if ty
                    .bits(expected)
                    .is_some_and(|expected| ty.same(actual, expected))
                {
                    return Ok(());
                }
                Err(format!("returned {}, expected {expected}", ty.json(actual)))
            }
            Some(Value::Buffer(expected)) => {
                let memory = instance.get_memory(store, MEMORY);
                let data = memory.as_ref().map_or(&[][..], |memory| memory.data(store));
                block(data, actual, expected)
            }
        }
    }

    fn stopped(&self, call: usize, store: &Store<Meter>, error: &Error) -> Verdict {
        let limit = |reason: String| Verdict::Stopped {
            call,
            class: "limit",
            reason,
        };
        if let Some(refused) = store.data().refused {
            return limit(refused.to_owned());
        }
        let Limits { fuel, depth, .. } = self.limits;
        match error.as_trap_code() {
            Some(TrapCode::OutOfFuel) => {
                limit(format!("the limit of {fuel} units of work was reached"))
            }
            Some(TrapCode::StackOverflow) => limit(format!(
                "the limit of {depth} nested calls, or of their variables, was reached"
            )),
            Some(TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => {
                limit(TOO_MUCH_MEMORY.to_owned())
            }
            Some(trap) => Verdict::Stopped {
                call,
                class: "trapped",
                reason: format!("the program trapped: {}", name(trap)),
            },
            None if is_room(error.kind()) => {
                limit("the limit of memories and tables was reached".to_owned())
            }
            // Segments that do not fit, before anything runs.
            None => Verdict::Stopped {
                call,
                class: "trapped",
                reason: format!("the module cannot be started: {error}"),
            },
        }
    }
}

/// The names that runtimes usually give to traps.
fn name(trap: TrapCode) -> &'static str {
    match trap {
        TrapCode::UnreachableCodeReached => "unreachable",
        TrapCode::MemoryOutOfBounds => "out of bounds memory access",
        TrapCode::TableOutOfBounds => "out of bounds table access",
        TrapCode::IndirectCallToNull => "indirect call to null",
        TrapCode::IntegerDivisionByZero => "integer divide by zero",
        TrapCode::IntegerOverflow => "integer overflow",
        TrapCode::BadConversionToInteger => "invalid conversion to integer",
        TrapCode::BadSignature => "indirect call type mismatch",
        _ => "a limit",
    }
}

const TOO_MUCH_MEMORY: &str = "the memory limit was reached";

fn is_room(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Memory(error) => !matches!(error, MemoryError::OutOfBoundsAccess),
        ErrorKind::Instantiation(error) => matches!(
            error,
            InstantiationError::FailedToInstantiateMemory(_)
                | InstantiationError::FailedToInstantiateTable(_)
                | InstantiationError::TooManyMemories
                | InstantiationError::TooManyTables
        ),
        _ => false,
    }
}

/// The block at an address: its length in four bytes, then the bytes.
fn block(data: &[u8], address: u64, expected: &Buffer) -> Result<(), String> {
    let start = usize::try_from(address).unwrap_or(usize::MAX);
    let outside = || {
        format!(
            "returned {address}, which is no address of a block: its length in four bytes, then as many bytes"
        )
    };
    let rest = data.get(start..).ok_or_else(outside)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(outside)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let wanted = expected.bytes();
    if rest.get(..length) == Some(wanted.as_slice()) {
        return Ok(());
    }
    if length > crate::task::MAX_BUFFER || length > rest.len() {
        return Err(format!(
            "returned a block of {length} bytes, expected {} with {expected}",
            wanted.len()
        ));
    }
    let actual = expected.like(rest.get(..length).unwrap_or_default());
    Err(format!(
        "returned a block with {actual}, expected {expected}"
    ))
}

fn interface(module: &Module, signature: &Signature, needs_memory: bool) -> Result<(), String> {
    match module.get_export(&signature.name) {
        Some(ExternType::Func(ty)) => {
            let params: Vec<ValType> = signature.params.iter().copied().map(val_type).collect();
            if ty.params() != params || ty.results() != [val_type(signature.result)] {
                return Err(format!(
                    "the function \"{}\" has another type: it must be {signature}",
                    signature.name
                ));
            }
        }
        _ => {
            return Err(format!(
                "the module does not export a function \"{}\"",
                signature.name
            ));
        }
    }
    if needs_memory && !matches!(module.get_export(MEMORY), Some(ExternType::Memory(_))) {
        return Err(format!(
            "the module does not export its memory as \"{MEMORY}\""
        ));
    }
    Ok(())
}

fn val_type(ty: Type) -> ValType {
    match ty {
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the upper half of 32-bit values is empty"
)]
fn val(ty: Type, bits: u64) -> Val {
    match ty {
        Type::F32 => Val::F32(wasmi::F32::from_bits(bits as u32)),
        Type::F64 => Val::F64(wasmi::F64::from_bits(bits)),
        Type::I32 => Val::I32((bits as u32).cast_signed()),
        Type::I64 => Val::I64(bits.cast_signed()),
    }
}

fn bits(val: &Val) -> u64 {
    match val {
        Val::F32(value) => value.to_bits().into(),
        Val::F64(value) => value.to_bits(),
        Val::I32(value) => value.cast_unsigned().into(),
        Val::I64(value) => value.cast_unsigned(),
        // The type was compared: functions return numbers.
        _ => 0,
    }
}

/// The buffers of a call, behind whatever the module keeps in its memory.
struct Buffers {
    memory: Option<Memory>,
    /// Address and length of each.
    places: Vec<(usize, usize)>,
    /// Where the first guard begins and the last one ends.
    around: (usize, usize),
}

impl Buffers {
    fn write(store: &mut Store<Meter>, instance: Instance, call: &Call) -> Result<Self, Verdict> {
        let mut buffers = Self {
            memory: instance.get_memory(&*store, MEMORY),
            places: Vec::new(),
            around: (0, 0),
        };
        let Some(memory) = buffers.memory else {
            return Ok(buffers);
        };
        let all: Vec<Vec<u8>> = call
            .args
            .iter()
            .filter_map(Value::buffer)
            .map(Buffer::bytes)
            .collect();
        if all.is_empty() {
            return Ok(buffers);
        }
        let begin = memory.data_size(&*store);
        let mut end = begin + GUARD;
        for bytes in &all {
            buffers.places.push((end, bytes.len()));
            end = (end + bytes.len()).next_multiple_of(GUARD) + GUARD;
        }
        buffers.around = (begin, end);
        let pages = u64::try_from((end - begin).div_ceil(PAGE)).unwrap_or(u64::MAX);
        memory
            .grow(&mut *store, pages)
            .map_err(|_| Verdict::Signature {
                reason: format!(
                    "the memory cannot grow by {pages} page(s), which the arguments need"
                ),
            })?;
        let data = memory.data_mut(&mut *store);
        data[begin..end].fill(UNTOUCHED);
        for ((at, length), bytes) in buffers.places.iter().zip(&all) {
            data[*at..at + length].copy_from_slice(bytes);
        }
        Ok(buffers)
    }

    /// What the buffers hold now, and that nothing around them was written to.
    fn compare(&self, store: &Store<Meter>, call: &Call) -> Result<(), String> {
        let Some(memory) = self.memory.filter(|_| !self.places.is_empty()) else {
            return Ok(());
        };
        let data = memory.data(store);
        for (number, ((at, length), after)) in (1..).zip(self.places.iter().zip(&call.after)) {
            let Some(expected) = after.as_ref().and_then(Value::buffer) else {
                continue;
            };
            let actual = &data[*at..at + length];
            if expected.bytes() != actual {
                let actual = expected.like(actual);
                return Err(format!(
                    "left {actual} in buffer {number}, expected {expected}"
                ));
            }
        }
        let mut from = self.around.0;
        let ends = self.places.iter().copied().chain([(self.around.1, 0)]);
        for (at, length) in ends {
            if data[from..at].iter().any(|byte| *byte != UNTOUCHED) {
                return Err("wrote outside the buffers that it was given".to_owned());
            }
            from = at + length;
        }
        Ok(())
    }
}

/// Counts what an instance allocates; the first refusal is remembered.
struct Meter {
    memory_left: usize,
    table_left: usize,
    refused: Option<&'static str>,
}

impl Meter {
    fn new(limits: Limits) -> Self {
        Self {
            memory_left: limits.memory,
            table_left: limits.table,
            refused: None,
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The module's own maximum: a failure that it handles.
            return Ok(false);
        }
        let left = self
            .memory_left
            .checked_sub(desired.saturating_sub(current));
        self.memory_left = left.ok_or_else(|| refuse(&mut self.refused, TOO_MUCH_MEMORY))?;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let left = self.table_left.checked_sub(desired.saturating_sub(current));
        self.table_left = left
            .ok_or_else(|| refuse(&mut self.refused, "the limit of table elements was reached"))?;
        Ok(true)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        16
    }
}

fn refuse(refused: &mut Option<&'static str>, why: &'static str) -> wasmi_core::LimiterError {
    *refused = Some(why);
    wasmi_core::LimiterError::ResourceLimiterDeniedAllocation
}
