//! Small packages for the tests: WebAssembly text with a Zero.toml beside it, so that no compiler is needed.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::harness::World;

/// Prints `TEXT` and ends with code 0.
pub(crate) fn prints(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        let _ = write!(escaped, "\\{byte:02x}");
    }
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\{len:02x}\00\00\00")
  (data (i32.const 16) "{escaped}")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"#,
        len = text.len()
    )
}

/// Opens `/data/x`: the file `x` in the folder whose name has five letters, or `data/x` below the root (descriptor 3)
/// when there is no such folder. Its exit code is WASI's error number, 0 when it could.
pub(crate) const OPENS_A_FILE: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $folder (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "data/x")
  (func $find (result i32)
    (local $fd i32)
    (local.set $fd (i32.const 3))
    (loop $next
      (if (call $folder (local.get $fd) (i32.const 32)) (then (return (i32.const 3))))
      (if (i32.eq (i32.load (i32.const 36)) (i32.const 5)) (then (return (local.get $fd))))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br $next))
    unreachable)
  (func (export "_start")
    (local $fd i32)
    (local $root i32)
    (local.set $fd (call $find))
    (local.set $root (i32.eq (local.get $fd) (i32.const 3)))
    (call $proc_exit
      (call $path_open (local.get $fd) (i32.const 0)
        (select (i32.const 16) (i32.const 21) (local.get $root))
        (select (i32.const 6) (i32.const 1) (local.get $root))
        (i32.const 0)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))))
"#;

/// Asks for the wall clock; its exit code is WASI's error number.
pub(crate) const READS_THE_CLOCK: &str = r#"(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $proc_exit (call $clock (i32.const 0) (i64.const 1) (i32.const 8)))))
"#;

/// Never ends.
pub(crate) const LOOPS: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start") (loop $again (br $again))))
"#;

/// Asks for 256 MiB and traps when it gets none.
pub(crate) const GROWS: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start")
    (if (i32.eq (memory.grow (i32.const 4096)) (i32.const -1)) (then unreachable))))
"#;

/// Writes 64 KiB to standard output, again and again.
pub(crate) const CHATTERS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\10\00\00\00\00\01\00")
  (func (export "_start")
    (loop $again
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again))))
"#;

impl World {
    /// Writes a package into the folder `name-version`; `more` is the end of its Zero.toml.
    pub(crate) fn package(&self, name: &str, version: &str, wat: &str, more: &str) -> PathBuf {
        let folder = format!("{name}-{version}");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"a test\"\nlicense = \"MIT\"\n\n\
             [build]\nkind = \"module\"\nmodule = \"main.wat\"\n\n{more}"
        );
        self.write(&format!("{folder}/main.wat"), wat);
        self.write(&format!("{folder}/Zero.toml"), manifest);
        self.path(folder)
    }

    /// Builds such a package and returns the artifact's path.
    pub(crate) fn built(&self, name: &str, version: &str, wat: &str, more: &str) -> PathBuf {
        let manifest = self.package(name, version, wat, more).join("Zero.toml");
        let artifact = self.path(format!("{name}-{version}.zero"));
        self.build(&manifest, &artifact).code(0);
        artifact
    }
}
