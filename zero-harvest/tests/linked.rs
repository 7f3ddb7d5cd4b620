//! Slicing against linking: every executed record gives what a module gives that wasm-ld links of the same sources.
//!
//! Folders in `ZERO_HARVEST_LINKED`, with `:` between them, are compared instead of the small library below.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what tests share are plain functions, and they look for peers"
)]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wasmtime::{Engine, Instance, Memory, Module, Store, Val};
use zero_harvest::source::Source;
use zero_harvest::{Options, Phase, Progress, Toolchain, recipe};

struct Silent;

impl Progress for Silent {
    fn repository(&self, _: &str, _: usize, _: usize) {}
    fn phase(&self, _: Phase, _: usize) {}
    fn advance(&self) {}
}

/// What a linker has to do: calls between objects, statics of one name, tables, data that points to data and functions,
/// weak and aliased symbols, recursion, the C library.
const LIBRARY: [(&str, &str); 3] = [
    (
        "a.c",
        r#"#include "lib.h"
#include <string.h>
#include <stdlib.h>
static int step(int x) { return x * 2 + 1; }
static int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
static int (*const table[])(int, int) = { add, sub };
static const char *const names[] = { "zero", "one", "two", "three" };
static int counter = 40;
int *const pointer = &counter;
/** Calls one of two functions through a table. */
int chosen(unsigned which, short a, short b) { return table[which & 1](a, b); }
/** Gives the English name of a small number. */
const char *name_of(unsigned n) { return names[n & 3]; }
/** Adds to a counter that is reached through a pointer in data. */
int count_up(short by) { *pointer += by; return counter; }
/** Computes how many steps the Ackermann function takes. */
unsigned deep(unsigned m, unsigned n) {
  m &= 1; n &= 15;
  return m == 0 ? n + 1 : n == 0 ? deep(m - 1, 1) : deep(m - 1, deep(m, n - 1));
}
/** Doubles with this unit's own step, not with the other's. */
int here(short x) { return step(x) + elsewhere(x); }
/** Says whether a hook exists that nobody defines, and adds a number. */
int hooked(short x) { return x + (absent ? 100 : 1); }
/** Calls a weak function that another unit replaces. */
int replaced(short x) { return replaceable(x); }
/** Calls a function by its other name. */
int by_alias(short x) { return other_name(x); }
/** Counts the characters of a text after making a copy of it. */
unsigned copied(const char *text) {
  char *copy = malloc(strlen(text) + 1);
  strcpy(copy, text);
  unsigned length = strlen(copy);
  free(copy);
  return length;
}
static int compare(const void *a, const void *b) { return *(const unsigned char *)a - *(const unsigned char *)b; }
/** Sorts bytes in place, with the library's own sort. */
void sorted(unsigned char *bytes, unsigned length) { qsort(bytes, length, 1, compare); }
"#,
    ),
    (
        "b.c",
        r#"#include "lib.h"
static int step(int x) { return x * 3 - 1; }
int elsewhere(int x) { return step(x); }
int replaceable(int x) { return x ^ 0x55; }
static int implementation(int x) { return x - 7; }
extern __typeof__(implementation) other_name __attribute__((alias("implementation")));
struct node { const struct node *next; int value; };
static const struct node last = { 0, 3 }, middle = { &last, 5 }, first = { &middle, 7 };
/** Sums up the first links of a list that is all data. */
int listed(unsigned links) {
  int sum = 0;
  for (const struct node *at = &first; at && links--; at = at->next) sum += at->value;
  return sum;
}
"#,
    ),
    (
        "lib.h",
        "int elsewhere(int);\nint other_name(int);\n__attribute__((weak)) int replaceable(int);\n__attribute__((weak)) extern int absent(int);\n",
    ),
];

fn toolchain() -> Option<Toolchain> {
    let path = std::env::var_os("PATH");
    let found = Toolchain::find(None, None, path.as_deref());
    let linker = Command::new("wasm-ld-19").arg("--version").output();
    if std::env::var_os("XTASK_PEERS").is_some() {
        assert!(linker.is_ok(), "wasm-ld-19 is missing");
        return Some(found.unwrap());
    }
    found.ok().filter(|_| linker.is_ok())
}

fn harvested(folder: &Path, root: &Path, toolchain: Toolchain) -> Vec<Value> {
    let out = folder.join(format!(
        "of-{}",
        root.file_name().unwrap().to_string_lossy()
    ));
    let worker = vec![OsString::from(env!("CARGO_BIN_EXE_zero-harvest-reader"))];
    let sources = vec![Source::Folder(root.to_owned())];
    let mut options = Options::new(sources, out.clone(), toolchain, worker);
    options.jobs = 2;
    options.level = zero_harvest::check::Level::L2;
    options.licenses = "any".parse().unwrap();
    options.recipes = recipe::shipped();
    options.curation.duplicates = false;
    zero_harvest::harvest(&options, &Silent).unwrap();
    let mut records = Vec::new();
    for entry in fs::read_dir(out.join("data")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        records.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    records
}

/// Compiles every source of a repository as a record says; static functions get a name that a linker sees.
fn objects(root: &Path, record: &Value, work: &Path) -> Vec<PathBuf> {
    let own = record["provenance"]["path"].as_str().unwrap();
    let symbol = record["provenance"]["symbol"].as_str().unwrap();
    let flags: Vec<String> = record["build"]["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| {
            flag.as_str()
                .unwrap()
                .replace("{root}", &root.to_string_lossy())
        })
        .collect();
    let mut objects = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "c") {
                let object = work.join(format!("{}.o", objects.len()));
                let unit = work.join("unit.c");
                let mut text = format!("#include \"{}\"\n", path.display());
                if path.ends_with(own) {
                    let _ = writeln!(
                        text,
                        "extern __typeof__({symbol}) exported_{symbol} __attribute__((alias(\"{symbol}\")));"
                    );
                }
                fs::write(&unit, text).unwrap();
                let mut clang = Command::new("clang-19");
                clang
                    .args(&flags)
                    .args(["-isystem", "/usr/include/wasm32-wasi", "-c"]);
                let done = clang.arg(&unit).arg("-o").arg(&object).output().unwrap();
                if done.status.success() {
                    objects.push(object);
                }
            }
        }
    }
    objects
}

fn linked(root: &Path, record: &Value, work: &Path) -> Option<Vec<u8>> {
    let symbol = record["provenance"]["symbol"].as_str().unwrap();
    let module = work.join("linked.wasm");
    let done = Command::new("wasm-ld-19")
        .args(["--no-entry", "--allow-undefined", "--export=__heap_base"])
        .arg(format!("--undefined=exported_{symbol}"))
        .arg(format!("--export=exported_{symbol}"))
        // As a library, so that only what is needed comes in: several sources may define one name.
        .arg("--start-lib")
        .args(objects(root, record, work))
        .arg("--end-lib")
        .args(["-L/usr/lib/wasm32-wasi", "-lc"])
        .arg("/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a")
        .arg("-o")
        .arg(&module)
        .output()
        .unwrap();
    done.status.success().then(|| fs::read(&module).unwrap())
}

fn value(text: &str) -> Val {
    let (kind, number) = text.split_once(' ').unwrap();
    match kind {
        "i32.const" => Val::I32(number.parse().unwrap()),
        "i64.const" => Val::I64(number.parse().unwrap()),
        "f32.const" => Val::F32(number.parse::<f32>().unwrap().to_bits()),
        _ => Val::F64(number.parse::<f64>().unwrap().to_bits()),
    }
}

fn bytes(example: &Value, field: &str) -> Vec<(usize, Vec<u8>)> {
    let parts = example[field].as_array().unwrap();
    let part = |part: &Value| {
        let address = usize::try_from(part[0].as_u64().unwrap()).unwrap();
        (address, hex::decode(part[1].as_str().unwrap()).unwrap())
    };
    parts.iter().map(part).collect()
}

/// How a linked module's call compares.
enum Comparison {
    Agrees,
    Differs(String),
    /// Its memory has no room where the inputs are.
    NoRoom,
}

/// Calls the linked module as an example says.
fn difference(
    engine: &Engine,
    module: &Module,
    name: &str,
    example: &Value,
    pointer: bool,
) -> Comparison {
    let mut store = Store::new(engine, ());
    store.set_fuel(100_000_000).unwrap();
    let Ok(instance) = Instance::new(&mut store, module, &[]) else {
        return Comparison::NoRoom;
    };
    let memory: Option<Memory> = instance.get_memory(&mut store, "memory");
    let inputs = bytes(example, "memory");
    if let Some(memory) = memory {
        let base = instance.get_global(&mut store, "__heap_base");
        let base = base.map_or(0, |base| base.get(&mut store).unwrap_i32());
        let lowest = inputs.iter().map(|(address, _)| *address).min();
        if lowest.is_some_and(|lowest| lowest < usize::try_from(base).unwrap()) {
            return Comparison::NoRoom;
        }
        let wanted = example["pages"].as_u64().unwrap();
        let has = memory.size(&store);
        memory.grow(&mut store, wanted.saturating_sub(has)).unwrap();
        for (address, bytes) in &inputs {
            memory.write(&mut store, *address, bytes).unwrap();
        }
    }
    let function = instance
        .get_func(&mut store, &format!("exported_{name}"))
        .unwrap();
    let args: Vec<Val> = example["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arg| value(arg.as_str().unwrap()))
        .collect();
    let mut results = vec![Val::I32(0); function.ty(&store).results().len()];
    if let Err(error) = function.call(&mut store, &args, &mut results) {
        return Comparison::Differs(format!("it traps: {error}"));
    }
    if let (Some(expected), Some(result)) = (example["result"].as_str(), results.first()) {
        let expected = value(expected);
        let same = match (&expected, result) {
            (Val::F32(a), Val::F32(b)) => {
                a == b || (f32::from_bits(*a).is_nan() && f32::from_bits(*b).is_nan())
            }
            (Val::F64(a), Val::F64(b)) => {
                a == b || (f64::from_bits(*a).is_nan() && f64::from_bits(*b).is_nan())
            }
            (Val::I32(a), Val::I32(b)) => a == b || pointer,
            (Val::I64(a), Val::I64(b)) => a == b,
            _ => false,
        };
        if !same {
            return Comparison::Differs(format!("{result:?} instead of {expected:?}"));
        }
        if let (Some(text), Val::I32(address), Some(memory)) =
            (example["result_text"].as_str(), result, memory)
        {
            let text = hex::decode(text).unwrap();
            let start = usize::try_from(address.cast_unsigned()).unwrap();
            if memory.data(&store).get(start..start + text.len()) != Some(&text[..]) {
                return Comparison::Differs(String::from("another text"));
            }
        }
    }
    for (address, expected) in bytes(example, "memory_after") {
        let found = &memory.unwrap().data(&store)[address..address + expected.len()];
        if found != expected {
            return Comparison::Differs(format!("other bytes at {address}"));
        }
    }
    Comparison::Agrees
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "a comparison says how much it compared"
)]
fn every_executed_record_gives_what_a_linked_module_gives() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let named = std::env::var_os("ZERO_HARVEST_LINKED");
    let roots: Vec<PathBuf> = match &named {
        Some(paths) => std::env::split_paths(paths).collect(),
        None => vec![folder.path().join("library")],
    };
    if named.is_none() {
        fs::create_dir(&roots[0]).unwrap();
        for (name, text) in LIBRARY {
            fs::write(roots[0].join(name), text).unwrap();
        }
    }
    let mut config = wasmtime::Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let mut toolchain = Some(toolchain);
    let (mut compared, mut skipped, mut wrong) = (0, 0, Vec::new());
    for root in &roots {
        let root = fs::canonicalize(root).unwrap();
        let toolchain = toolchain.take().or_else(self::toolchain).unwrap();
        let records = harvested(folder.path(), &root, toolchain);
        for record in &records {
            let name = record["provenance"]["symbol"].as_str().unwrap();
            let pointer = record["abi"]
                .as_array()
                .unwrap()
                .last()
                .is_some_and(|abi| abi["shape"]["kind"] == "pointer");
            let Some(module) = linked(&root, record, folder.path()) else {
                skipped += 1;
                continue;
            };
            let module = Module::new(&engine, module).unwrap();
            for example in record["io_examples"].as_array().unwrap() {
                match difference(&engine, &module, name, example, pointer) {
                    Comparison::NoRoom => skipped += 1,
                    Comparison::Agrees => compared += 1,
                    Comparison::Differs(what) => wrong.push(format!("{name}: {what}")),
                }
            }
        }
        if named.is_none() {
            let symbols: Vec<&str> = records
                .iter()
                .map(|record| record["provenance"]["symbol"].as_str().unwrap())
                .collect();
            let expected = [
                "chosen", "name_of", "count_up", "deep", "here", "hooked", "replaced", "by_alias",
                "copied", "sorted", "listed",
            ];
            assert_eq!(symbols, expected);
        }
    }
    eprintln!(
        "{compared} calls agree, {} do not, {skipped} cannot be compared",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        compared > 300 && skipped == 0 || named.is_some(),
        "{compared} {skipped}"
    );
}
