;; Opens, reads and closes /data/file 20 000 times.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "file")
  (func (export "_start") (local $left i32) (local $dir i32)
    ;; The folder is the one whose name has five bytes; runtimes number folders differently.
    (local.set $dir (i32.const 3))
    (if (call $name (i32.const 4) (i32.const 128) (i32.const 5)) (then) (else (local.set $dir (i32.const 4))))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (local.set $left (i32.const 20000))
    (loop $again
      (if (call $open (local.get $dir) (i32.const 1) (i32.const 64) (i32.const 4) (i32.const 0)
            (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))
        (then (unreachable)))
      (if (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
      (if (i32.ne (i32.load (i32.const 8)) (i32.const 4096)) (then (unreachable)))
      (if (call $close (i32.load (i32.const 16))) (then (unreachable)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
