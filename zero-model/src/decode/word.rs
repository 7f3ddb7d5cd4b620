//! The words of the subset: keywords, value types and instructions, in one sorted table.

use std::sync::LazyLock;

/// A value type; [`Val::Any`] is what unreachable code leaves on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Val {
    Any,
    F32,
    F64,
    I32,
    I64,
}

impl Val {
    pub(crate) const ALL: [Self; 4] = [Self::I32, Self::I64, Self::F32, Self::F64];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }

    /// The type that one letter of the tables below stands for.
    fn of(letter: char) -> Self {
        match letter {
            'd' => Self::F64,
            'f' => Self::F32,
            'l' => Self::I64,
            _ => Self::I32,
        }
    }
}

/// Keywords that structure a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Align,
    Data,
    Elem,
    Export,
    Func,
    Funcref,
    Global,
    Import,
    Local,
    Memory,
    Module,
    Mut,
    Offset,
    Param,
    Result,
    Start,
    Table,
    Type,
}

/// Instructions whose typing depends on more than the operands on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Block,
    Br,
    BrIf,
    BrTable,
    Call,
    CallIndirect,
    Const(Val),
    DataDrop,
    Drop,
    Else,
    End,
    GlobalGet,
    GlobalSet,
    If,
    LocalGet,
    LocalSet,
    LocalTee,
    Loop,
    MemoryInit,
    Return,
    Select,
    Unreachable,
}

/// An instruction that always pops and pushes the same.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub(crate) pops: Vec<Val>,
    pub(crate) push: Option<Val>,
    /// Whether it needs a memory.
    pub(crate) memory: bool,
    /// The natural alignment of an access, which takes `offset=` and `align=`.
    pub(crate) align: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Key(Key),
    Op(Op),
    Plain(Plain),
    Val(Val),
}

#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

/// The position of a word in the table.
pub(crate) type WordId = u8;

/// A set of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set([u64; 4]);

impl Set {
    pub(crate) fn insert(&mut self, id: WordId) {
        self.0[usize::from(id >> 6)] |= 1 << (id & 63);
    }

    pub(crate) fn has(&self, id: WordId) -> bool {
        self.0[usize::from(id >> 6)] >> (id & 63) & 1 == 1
    }

    pub(crate) fn union(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours |= theirs;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Its words, as they are written.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &'static str> {
        let set = *self;
        TABLE
            .words
            .iter()
            .enumerate()
            .filter(move |(id, _)| u8::try_from(*id).is_ok_and(|id| set.has(id)))
            .map(|(_, word)| word.text.as_str())
    }
}

/// Plain instructions that pop the same: applicable together or not at all.
pub(crate) struct Family {
    pub(crate) pops: Vec<Val>,
    pub(crate) memory: bool,
    pub(crate) words: Set,
}

pub(crate) struct Table {
    words: Vec<Word>,
    /// Where the words with a first byte begin and end.
    first: Vec<(u16, u16)>,
    families: Vec<Family>,
}

pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(Table::build);

impl Table {
    pub(crate) fn word(&self, id: WordId) -> &Word {
        &self.words[usize::from(id)]
    }

    pub(crate) fn families(&self) -> &[Family] {
        &self.families
    }

    /// The words that begin with a byte.
    pub(crate) fn starting(&self, byte: u8) -> (u16, u16) {
        self.first[usize::from(byte)]
    }

    /// The part of a range of words that have `byte` at `depth`; every word of the range agrees before that.
    pub(crate) fn narrow(&self, (from, to): (u16, u16), depth: usize, byte: u8) -> (u16, u16) {
        let range = &self.words[usize::from(from)..usize::from(to)];
        let at = |word: &Word| word.text.as_bytes().get(depth).copied();
        let low = range.partition_point(|word| at(word) < Some(byte));
        let high = range.partition_point(|word| at(word) <= Some(byte));
        let offset = |n: usize| from + u16::try_from(n).unwrap_or(u16::MAX);
        (offset(low), offset(high))
    }

    /// The set of some keywords.
    pub(crate) fn keys(&self, keys: &[Key]) -> Set {
        self.set(|kind| matches!(kind, Kind::Key(key) if keys.contains(key)))
    }

    /// The set of some value types.
    pub(crate) fn vals(&self, vals: impl Fn(Val) -> bool) -> Set {
        self.set(|kind| matches!(kind, Kind::Val(val) if vals(*val)))
    }

    /// The set of some special instructions.
    pub(crate) fn ops(&self, ops: &[Op]) -> Set {
        self.set(|kind| matches!(kind, Kind::Op(op) if ops.contains(op)))
    }

    fn set(&self, wanted: impl Fn(&Kind) -> bool) -> Set {
        let mut set = Set::default();
        for (id, word) in self.words.iter().enumerate() {
            if let (true, Ok(id)) = (wanted(&word.kind), u8::try_from(id)) {
                set.insert(id);
            }
        }
        set
    }

    fn build() -> Self {
        let mut words = keywords();
        words.extend(specials());
        words.extend(integers());
        words.extend(floats());
        words.extend(conversions());
        words.extend(accesses());
        words.sort_by(|a, b| a.text.cmp(&b.text));
        assert!(words.len() <= 256, "a word's position fits one byte");
        let mut table = Self {
            first: first(&words),
            words,
            families: Vec::new(),
        };
        table.families = families(&table);
        table
    }
}

fn first(words: &[Word]) -> Vec<(u16, u16)> {
    let position = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    (0..=u8::MAX)
        .map(|byte| {
            let low = words.partition_point(|word| word.text.as_bytes()[0] < byte);
            let high = words.partition_point(|word| word.text.as_bytes()[0] <= byte);
            (position(low), position(high))
        })
        .collect()
}

fn families(table: &Table) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for (id, word) in table.words.iter().enumerate() {
        let (Kind::Plain(plain), Ok(id)) = (&word.kind, u8::try_from(id)) else {
            continue;
        };
        let same =
            |family: &&mut Family| family.pops == plain.pops && family.memory == plain.memory;
        if let Some(family) = families.iter_mut().find(same) {
            family.words.insert(id);
        } else {
            let mut words = Set::default();
            words.insert(id);
            families.push(Family {
                pops: plain.pops.clone(),
                memory: plain.memory,
                words,
            });
        }
    }
    families
}

fn keywords() -> Vec<Word> {
    let keys = [
        ("align=", Key::Align),
        ("data", Key::Data),
        ("elem", Key::Elem),
        ("export", Key::Export),
        ("func", Key::Func),
        ("funcref", Key::Funcref),
        ("global", Key::Global),
        ("import", Key::Import),
        ("local", Key::Local),
        ("memory", Key::Memory),
        ("module", Key::Module),
        ("mut", Key::Mut),
        ("offset=", Key::Offset),
        ("param", Key::Param),
        ("result", Key::Result),
        ("start", Key::Start),
        ("table", Key::Table),
        ("type", Key::Type),
    ];
    let keys = keys.map(|(text, key)| word(text, Kind::Key(key)));
    let vals = Val::ALL.map(|val| word(val.name(), Kind::Val(val)));
    keys.into_iter().chain(vals).collect()
}

fn specials() -> Vec<Word> {
    [
        ("block", Op::Block),
        ("br", Op::Br),
        ("br_if", Op::BrIf),
        ("br_table", Op::BrTable),
        ("call", Op::Call),
        ("call_indirect", Op::CallIndirect),
        ("data.drop", Op::DataDrop),
        ("drop", Op::Drop),
        ("else", Op::Else),
        ("end", Op::End),
        ("f32.const", Op::Const(Val::F32)),
        ("f64.const", Op::Const(Val::F64)),
        ("global.get", Op::GlobalGet),
        ("global.set", Op::GlobalSet),
        ("i32.const", Op::Const(Val::I32)),
        ("i64.const", Op::Const(Val::I64)),
        ("if", Op::If),
        ("local.get", Op::LocalGet),
        ("local.set", Op::LocalSet),
        ("local.tee", Op::LocalTee),
        ("loop", Op::Loop),
        ("memory.init", Op::MemoryInit),
        ("return", Op::Return),
        ("select", Op::Select),
        ("unreachable", Op::Unreachable),
    ]
    .map(|(text, op)| word(text, Kind::Op(op)))
    .into_iter()
    .chain([
        plain("nop", "", ""),
        bulk("memory.copy", "iii", ""),
        bulk("memory.fill", "iii", ""),
        bulk("memory.grow", "i", "i"),
        bulk("memory.size", "", "i"),
    ])
    .collect()
}

fn integers() -> Vec<Word> {
    const BINARY: &str = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr";
    const UNARY: &str = "clz ctz popcnt extend8_s extend16_s";
    const COMPARE: &str = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
    let mut words = vec![plain("i64.extend32_s", "l", "l")];
    for (ty, one, two) in [("i32", "i", "ii"), ("i64", "l", "ll")] {
        words.extend(each(ty, BINARY, two, one));
        words.extend(each(ty, UNARY, one, one));
        words.extend(each(ty, COMPARE, two, "i"));
        words.extend(each(ty, "eqz", one, "i"));
    }
    words
}

fn floats() -> Vec<Word> {
    let mut words = Vec::new();
    for (ty, one, two) in [("f32", "f", "ff"), ("f64", "d", "dd")] {
        words.extend(each(ty, "add sub mul div min max copysign", two, one));
        words.extend(each(ty, "abs neg ceil floor trunc nearest sqrt", one, one));
        words.extend(each(ty, "eq ne lt gt le ge", two, "i"));
    }
    words
}

fn conversions() -> Vec<Word> {
    let mut words = Vec::new();
    for (ty, letter) in [("i32", "i"), ("i64", "l")] {
        for (from, operand) in [("f32", "f"), ("f64", "d")] {
            for sign in ["s", "u"] {
                let of = |op: &str| plain(&format!("{ty}.{op}_{from}_{sign}"), operand, letter);
                words.extend([of("trunc"), of("trunc_sat")]);
            }
        }
    }
    for (ty, letter) in [("f32", "f"), ("f64", "d")] {
        for (from, operand) in [("i32", "i"), ("i64", "l")] {
            for sign in ["s", "u"] {
                words.push(plain(
                    &format!("{ty}.convert_{from}_{sign}"),
                    operand,
                    letter,
                ));
            }
        }
    }
    words.extend([
        plain("i32.wrap_i64", "l", "i"),
        plain("i64.extend_i32_s", "i", "l"),
        plain("i64.extend_i32_u", "i", "l"),
        plain("f32.demote_f64", "d", "f"),
        plain("f64.promote_f32", "f", "d"),
        plain("i32.reinterpret_f32", "f", "i"),
        plain("i64.reinterpret_f64", "d", "l"),
        plain("f32.reinterpret_i32", "i", "f"),
        plain("f64.reinterpret_i64", "l", "d"),
    ]);
    words
}

fn accesses() -> Vec<Word> {
    let whole = [
        ("i32", "i", 4),
        ("i64", "l", 8),
        ("f32", "f", 4),
        ("f64", "d", 8),
    ];
    let mut words = Vec::new();
    for (ty, letter, align) in whole {
        words.push(access(&format!("{ty}.load"), "i", letter, align));
        words.push(access(
            &format!("{ty}.store"),
            &format!("i{letter}"),
            "",
            align,
        ));
    }
    let narrow = [
        ("i32", "i", 8, 1),
        ("i32", "i", 16, 2),
        ("i64", "l", 8, 1),
        ("i64", "l", 16, 2),
        ("i64", "l", 32, 4),
    ];
    for (ty, letter, bits, align) in narrow {
        for sign in ["s", "u"] {
            words.push(access(
                &format!("{ty}.load{bits}_{sign}"),
                "i",
                letter,
                align,
            ));
        }
        words.push(access(
            &format!("{ty}.store{bits}"),
            &format!("i{letter}"),
            "",
            align,
        ));
    }
    words
}

fn each(ty: &str, ops: &str, pops: &str, push: &str) -> Vec<Word> {
    ops.split(' ')
        .map(|op| plain(&format!("{ty}.{op}"), pops, push))
        .collect()
}

fn word(text: &str, kind: Kind) -> Word {
    Word {
        text: text.to_owned(),
        kind,
    }
}

fn plain(text: &str, pops: &str, push: &str) -> Word {
    instruction(text, pops, push, false, None)
}

fn bulk(text: &str, pops: &str, push: &str) -> Word {
    instruction(text, pops, push, true, None)
}

fn access(text: &str, pops: &str, push: &str, align: u64) -> Word {
    instruction(text, pops, push, true, Some(align))
}

fn instruction(text: &str, pops: &str, push: &str, memory: bool, align: Option<u64>) -> Word {
    let plain = Plain {
        pops: pops.chars().map(Val::of).collect(),
        push: push.chars().next().map(Val::of),
        memory,
        align,
    };
    word(text, Kind::Plain(plain))
}
