//! What one run may use up. Every limit is on by default; the package may ask for more or less, the user's ceiling wins.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Memory of a program that declares nothing.
pub const DEFAULT_MEMORY: u64 = 1 << 30;
/// Wall time of a program that declares nothing.
pub const DEFAULT_TIME: Duration = Duration::from_hours(1);
/// Output of a program that declares nothing.
pub const DEFAULT_OUTPUT: u64 = 4 << 30;
/// Bytes that a program that declares nothing may write to files.
pub const DEFAULT_WRITE: u64 = 4 << 30;
/// What a program that declares nothing may have open: what systems commonly give one process, less what this one needs.
pub const DEFAULT_HANDLES: u64 = 1000;
/// Elements of all tables together.
pub const MAX_TABLE_ELEMENTS: usize = 1 << 20;
/// Core instances, memories and tables of one program (a component has several).
pub const MAX_INSTANCES: usize = 256;
/// Bytes of the wasm stack.
pub const MAX_STACK: usize = 1 << 20;

/// The limits of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory, all memories together.
    pub memory: u64,
    /// Wall time.
    pub time: Duration,
    /// Bytes written to stdout and stderr.
    pub output: u64,
    /// Bytes written to files, and added to their length without writing.
    pub write: u64,
    /// Files, sockets and streams open at the same time.
    pub handles: u64,
    /// Units of work; bounds the CPU deterministically.
    pub fuel: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: DEFAULT_MEMORY,
            time: DEFAULT_TIME,
            output: DEFAULT_OUTPUT,
            write: DEFAULT_WRITE,
            handles: DEFAULT_HANDLES,
            fuel: None,
        }
    }
}

/// What the user caps. What is absent stays as the package declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Wall time.
    pub time: Option<Duration>,
    /// Bytes of output.
    pub output: Option<u64>,
    /// Bytes written to files.
    pub write: Option<u64>,
    /// Handles.
    pub handles: Option<u64>,
    /// Units of work.
    pub fuel: Option<u64>,
}

impl Limits {
    /// The limits of a package: what it declares, below the user's ceiling.
    pub fn of(declared: &zero_format::Limits, ceiling: &Ceiling) -> Self {
        let default = Self::default();
        Self {
            memory: least(declared.memory, ceiling.memory).unwrap_or(default.memory),
            time: least(declared.time_ms.map(Duration::from_millis), ceiling.time)
                .unwrap_or(default.time),
            output: least(declared.output, ceiling.output).unwrap_or(default.output),
            write: least(declared.write, ceiling.write).unwrap_or(default.write),
            handles: least(declared.handles, ceiling.handles).unwrap_or(default.handles),
            fuel: least(declared.fuel, ceiling.fuel),
        }
    }
}

/// The lower of two limits that may be absent.
pub(crate) fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitReached {
    /// Too many core instances, memories or tables.
    #[error("the limit of {max} instances was reached", max = MAX_INSTANCES)]
    Instances,
    /// More work than granted.
    #[error("the fuel limit of {fuel} units was reached")]
    Fuel {
        /// The limit.
        fuel: u64,
    },
    /// Too many files, sockets and streams at the same time.
    #[error("the limit of {limit} open files and connections was reached")]
    Handles {
        /// The limit.
        limit: u64,
    },
    /// More memory than granted.
    #[error("the memory limit of {limit} was reached", limit = bytes(*.limit))]
    Memory {
        /// The limit.
        limit: u64,
    },
    /// More output than granted.
    #[error("the output limit of {limit} was reached", limit = bytes(*.limit))]
    Output {
        /// The limit.
        limit: u64,
    },
    /// More distinct uses than one run's audit holds.
    #[error("the limit of {max} recorded uses was reached", max = crate::audit::MAX_RECORDED)]
    Recorded,
    /// Calls nested too deeply.
    #[error("the stack limit of {limit} was reached", limit = bytes(MAX_STACK as u64))]
    Stack,
    /// Too many table elements.
    #[error("the limit of {max} table elements was reached", max = MAX_TABLE_ELEMENTS)]
    Tables,
    /// The program ran too long.
    #[error("the time limit of {limit:?} was reached")]
    Time {
        /// The limit.
        limit: Duration,
    },
    /// More written to files than granted.
    #[error("the write limit of {limit} was reached", limit = bytes(*.limit))]
    Write {
        /// The limit.
        limit: u64,
    },
}

impl LimitReached {
    /// Its name, for records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fuel { .. } => "fuel",
            Self::Handles { .. } => "handles",
            Self::Instances => "instances",
            Self::Memory { .. } => "memory",
            Self::Output { .. } => "output",
            Self::Recorded => "recorded",
            Self::Stack => "stack",
            Self::Tables => "tables",
            Self::Time { .. } => "time",
            Self::Write { .. } => "write",
        }
    }

    /// What it is: bytes, milliseconds, or a number of things.
    pub fn value(&self) -> u64 {
        match self {
            Self::Fuel { fuel } => *fuel,
            Self::Instances => MAX_INSTANCES as u64,
            Self::Handles { limit }
            | Self::Memory { limit }
            | Self::Output { limit }
            | Self::Write { limit } => *limit,
            Self::Recorded => crate::audit::MAX_RECORDED as u64,
            Self::Stack => MAX_STACK as u64,
            Self::Tables => MAX_TABLE_ELEMENTS as u64,
            Self::Time { limit } => u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The flag that moves the limit, if there is one.
    pub fn hint(&self) -> Option<String> {
        let flag = match self {
            Self::Fuel { .. } => "--limit-fuel",
            Self::Handles { .. } => "--limit-handles",
            Self::Memory { .. } => "--limit-memory",
            Self::Output { .. } => "--limit-output",
            Self::Time { .. } => "--limit-time",
            Self::Write { .. } => "--limit-write",
            Self::Instances | Self::Stack | Self::Tables => {
                return Some(
                    "the limit is the runtime's: the program has to do with less, or do it in parts"
                        .to_owned(),
                );
            }
            Self::Recorded => {
                return Some(
                    "run it without --audit and --learn, or on a part of its input".to_owned(),
                );
            }
        };
        Some(format!(
            "the lower of what the package declares in [limits] and of {flag} applies"
        ))
    }
}

/// A size as people read it.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        n if n >= 1 << 30 && n.is_multiple_of(1 << 30) => format!("{} GiB", n >> 30),
        n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}

/// Counts what a store allocates. A refused growth ends the program with the limit's name: a program that only saw a
/// failed allocation would end in a bare trap, which tells nobody anything.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_limit: u64,
    memory: u64,
    tables: usize,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory,
            memory: 0,
            tables: 0,
        }
    }

    /// Bytes of memory at the most. Memories only grow.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The module's own maximum: an ordinary failure that the program handles.
            return Ok(false);
        }
        let grown = self
            .memory
            .saturating_add(desired.saturating_sub(current) as u64);
        if grown > self.memory_limit {
            let limit = self.memory_limit;
            return Err(wasmtime::Error::new(LimitReached::Memory { limit }));
        }
        self.memory = grown;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let grown = self.tables.saturating_add(desired.saturating_sub(current));
        if grown > MAX_TABLE_ELEMENTS {
            return Err(wasmtime::Error::new(LimitReached::Tables));
        }
        self.tables = grown;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_of_declaration_and_ceiling_applies() {
        let declared = zero_format::Limits {
            memory: Some(100),
            fuel: Some(7),
            ..Default::default()
        };
        let ceiling = Ceiling {
            memory: Some(200),
            output: Some(5),
            ..Default::default()
        };
        let limits = Limits::of(&declared, &ceiling);
        assert_eq!(
            (limits.memory, limits.output, limits.fuel),
            (100, 5, Some(7))
        );
        assert_eq!(limits.time, DEFAULT_TIME);
    }

    #[test]
    fn memory_counts_all_memories_together() {
        let mut meter = Meter::new(&Limits {
            memory: 10,
            ..Limits::default()
        });
        assert!(meter.memory_growing(0, 6, None).unwrap());
        assert!(!meter.memory_growing(0, 6, Some(5)).unwrap());
        let error = meter.memory_growing(0, 6, None).unwrap_err();
        assert_eq!(
            error.downcast_ref(),
            Some(&LimitReached::Memory { limit: 10 })
        );
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(
            LimitReached::Memory { limit: 256 << 20 }.to_string(),
            "the memory limit of 256 MiB was reached"
        );
        assert_eq!(bytes(1500), "1500 bytes");
    }
}
