//! Slices against wasm-ld: the same objects, the same inputs, the same results.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wasmtime::{Engine, Instance, Module, Store, Val};

use super::*;
use crate::archive::Archive;
use crate::object::Object;
use crate::print::print;

const LIBC: &str = "/usr/lib/wasm32-wasi/libc.a";

/// Sources, compiled as the pipeline does.
struct Fixture {
    folder: TempDir,
    objects: Vec<(String, Object)>,
    archives: Vec<Archive>,
}

impl Fixture {
    /// `None` without clang and wasm-ld; that is an error under xtask.
    #[expect(
        clippy::disallowed_methods,
        reason = "what may be missing depends on who runs the test"
    )]
    fn new(sources: &[(&str, &str)]) -> Option<Self> {
        let present = |name: &str| Command::new(name).arg("--version").output().is_ok();
        if !present("clang-19") || !present("wasm-ld-19") {
            assert!(
                std::env::var_os("XTASK_PEERS").is_none(),
                "clang-19 and lld-19 are needed"
            );
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let objects = sources
            .iter()
            .map(|(name, text)| {
                let source = folder.path().join(name);
                std::fs::create_dir_all(source.parent().unwrap()).unwrap();
                std::fs::write(&source, text).unwrap();
                let object = source.with_extension("o");
                let status = Command::new("clang-19")
                    .args(["--target=wasm32-wasi", "-nostdlibinc", "-isystem"])
                    .args(["/usr/include/wasm32-wasi", "-Os", "-mcpu=mvp", "-g", "-c"])
                    .args(["-ffunction-sections", "-fdata-sections", "-w"])
                    .arg(&source)
                    .arg("-o")
                    .arg(&object)
                    .status()
                    .unwrap();
                assert!(status.success(), "{name}");
                let object = Object::parse(&std::fs::read(&object).unwrap()).unwrap();
                ((*name).to_owned(), object)
            })
            .collect();
        Some(Self {
            folder,
            objects,
            archives: vec![Archive::open(Path::new(LIBC)).unwrap()],
        })
    }

    fn slice(&self, unit: usize, name: &str) -> Result<Sliced, SliceError> {
        let units = self
            .objects
            .iter()
            .map(|(path, object)| (path.as_str(), Some(object)));
        let pool = Pool::new(units.collect(), &self.archives);
        slice(&pool, unit, name, &[], &Sizes::default())
    }

    fn link(&self, name: &str) -> Vec<u8> {
        let out = self.folder.path().join("linked.wasm");
        let objects: Vec<PathBuf> = self
            .objects
            .iter()
            .map(|(path, _)| self.folder.path().join(path).with_extension("o"))
            .collect();
        let status = Command::new("wasm-ld-19")
            .args(["--no-entry", "--gc-sections", "--allow-undefined"])
            .arg(format!("--export={name}"))
            .args(&objects)
            .args([LIBC, "-o"])
            .arg(&out)
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        std::fs::read(&out).unwrap()
    }

    /// Calls a function in both modules.
    fn agrees(&self, name: &str, args: &[i32]) -> Option<i32> {
        let sliced = self.slice(0, name).unwrap();
        assert!(sliced.imports.is_empty(), "{name}: {:?}", sliced.imports);
        print(&sliced.wasm, "").unwrap();
        let ours = call(&sliced.wasm, name, args);
        assert_eq!(ours, call(&self.link(name), name, args), "{name}{args:?}");
        ours
    }
}

/// The result; `None` for a trap.
fn call(wasm: &[u8], name: &str, args: &[i32]) -> Option<i32> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, wasm).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let function = instance.get_func(&mut store, name).unwrap();
    let args: Vec<Val> = args.iter().map(|arg| Val::I32(*arg)).collect();
    let mut results = [Val::I32(0)];
    function.call(&mut store, &args, &mut results).ok()?;
    results[0].i32()
}

const MAIN: &str = r#"
#include <stdlib.h>
#include <string.h>
typedef int (*operation)(int, int);
extern int shared;
extern int helper(int);
static int add(int a, int b) { return a + b; }
int sub(int a, int b) { return a - b; }
static const operation table[3] = {add, sub, 0};
static int counter;
static const char *names[] = {"alpha", "be", ""};
struct node { struct node *next; int value; };
static struct node second = {0, 5}, first = {&second, 7};
__attribute__((weak)) int weak(int a) { return a + 1; }
extern int nowhere(int) __attribute__((weak));
extern int weak_data __attribute__((weak));
int alias(int, int) __attribute__((alias("sub")));

int indirect(int op, int a, int b) { counter++; return table[op & 1](a, b) + counter; }
int null_slot(void) { operation none = table[2]; return none ? 1 : none(1, 2); }
int text(int i) { return strlen(names[i & 1]) * 10 + names[i & 1][0]; }
int list(void) { int sum = 0; for (struct node *at = &first; at; at = at->next) sum = sum * 10 + at->value; return sum; }
int stack(int n) { int buffer[64]; memset(buffer, n, sizeof buffer); buffer[n & 63] = 3; return buffer[5] + buffer[n & 63]; }
int recursion(int n) { return n < 2 ? n : recursion(n - 1) + recursion(n - 2); }
int other_unit(int a) { return helper(a) + shared; }
int weak_symbols(int a) { return weak(a) + (nowhere ? 1 : 0) + (&weak_data ? 2 : 0); }
int heap(int n) { char *p = malloc(n); if (!p) return -1; memset(p, 3, n); int sum = p[n - 1]; char *q = malloc(n); sum += q != p; free(p); free(q); return sum; }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int sorted(int n) { int v[5] = {5, n, 4, 1, 9}; qsort(v, 5, sizeof *v, compare); return v[0] * 100 + v[4]; }
int wide(int a) { __int128 x = (__int128)a * a * a * a * a; return (int)(x >> 40) ^ (int)x; }
"#;
const OTHER: &str = "int shared = 40;\nstatic int add(int a) { return a * 2; }\nint helper(int a) { return add(a) + 1; }\n";

#[test]
fn a_slice_does_what_the_linked_program_does() {
    let Some(fixture) = Fixture::new(&[("main.c", MAIN), ("other.c", OTHER)]) else {
        return;
    };
    assert_eq!(fixture.agrees("indirect", &[1, 9, 4]), Some(6));
    assert_eq!(fixture.agrees("indirect", &[0, 9, 4]), Some(14));
    assert_eq!(fixture.agrees("text", &[0]), Some(147));
    assert_eq!(fixture.agrees("list", &[]), Some(75));
    assert_eq!(fixture.agrees("stack", &[9]), Some(0x0909_0909 + 3));
    assert_eq!(fixture.agrees("recursion", &[12]), Some(144));
    assert_eq!(fixture.agrees("other_unit", &[5]), Some(51));
    assert_eq!(fixture.agrees("weak_symbols", &[5]), Some(6));
    assert_eq!(fixture.agrees("alias", &[5, 3]), Some(2));
    assert_eq!(fixture.agrees("heap", &[100]), Some(4));
    assert_eq!(fixture.agrees("heap", &[200_000]), Some(4));
    assert_eq!(fixture.agrees("sorted", &[7]), Some(109));
    assert_eq!(fixture.agrees("null_slot", &[]), None);
}

#[test]
fn nothing_unreachable_is_left() {
    let Some(fixture) = Fixture::new(&[("main.c", MAIN), ("other.c", OTHER)]) else {
        return;
    };
    let sliced = fixture.slice(0, "recursion").unwrap();
    assert_eq!((sliced.functions, sliced.heap_base), (1, None));
    let text = print(&fixture.slice(0, "list").unwrap().wasm, "").unwrap();
    assert!(!text.contains("alpha") && !text.contains("table"), "{text}");
    let text = print(&fixture.slice(0, "indirect").unwrap().wasm, "").unwrap();
    assert!(
        text.contains("(elem (i32.const 1) func $add $sub)"),
        "{text}"
    );
    assert!(
        text.contains("(param $op i32) (param $a i32) (param $b i32)"),
        "{text}"
    );
}

#[test]
fn what_nobody_defines_is_imported_or_refused() {
    let source = "extern int f(int); extern int data; int a(void) { return f(1); } int b(void) { return data; }";
    let Some(fixture) = Fixture::new(&[("a.c", source)]) else {
        return;
    };
    let imports = fixture.slice(0, "a").unwrap().imports;
    assert_eq!(imports, [(String::from("env"), String::from("f"))]);
    assert!(
        matches!(fixture.slice(0, "b"), Err(SliceError::MissingData(name)) if &*name == "data")
    );
    assert!(matches!(fixture.slice(0, "c"), Err(SliceError::Undefined)));
}

#[test]
fn the_nearest_definition_is_meant_and_a_tie_is_none() {
    let caller = ("x/a.c", "extern int f(void); int a(void) { return f(); }");
    let near = ("x/f.c", "int f(void) { return 1; }");
    let far = ("y/f.c", "int f(void) { return 2; }");
    let Some(fixture) = Fixture::new(&[caller, near, far]) else {
        return;
    };
    let sliced = fixture.slice(0, "a").unwrap();
    assert_eq!(call(&sliced.wasm, "a", &[]), Some(1));
    let tie = ("x/g.c", "int f(void) { return 3; }");
    let fixture = Fixture::new(&[caller, near, tie]).unwrap();
    assert_eq!(fixture.slice(0, "a").unwrap().imports.len(), 1);
}

#[test]
fn calls_of_another_type_are_refused() {
    let calls = ("a.c", "int f(); int a(void) { return f(1, 2); }");
    let defines = ("f.c", "int f(double x) { return x; }");
    let Some(fixture) = Fixture::new(&[calls, defines]) else {
        return;
    };
    assert!(matches!(
        fixture.slice(0, "a"),
        Err(SliceError::SignatureMismatch(_))
    ));
}

#[test]
fn data_that_a_constructor_sets_up_is_refused() {
    let source = "static int x; __attribute__((constructor)) static void set(void) { extern int read(void); x = read(); } int a(void) { return x; }";
    let Some(fixture) = Fixture::new(&[("a.c", source)]) else {
        return;
    };
    assert!(matches!(
        fixture.slice(0, "a"),
        Err(SliceError::Constructor)
    ));
}

#[test]
fn a_damaged_object_is_refused() {
    let Some(fixture) = Fixture::new(&[("main.c", MAIN)]) else {
        return;
    };
    let bytes = std::fs::read(fixture.folder.path().join("main.o")).unwrap();
    assert!(Object::parse(b"\0asm\x01\0\0\0").is_err());
    for end in (0..bytes.len()).step_by(7) {
        // Whatever comes of it, it is no panic.
        let _ = Object::parse(&bytes[..end]);
    }
    for at in (8..bytes.len()).step_by(5) {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        if let Ok(object) = Object::parse(&changed) {
            let pool = Pool::new(vec![("main.c", Some(&object))], &fixture.archives);
            let _ = slice(&pool, 0, "indirect", &[], &Sizes::default());
        }
    }
}
