;; Asks WASI for the time and says whether it was told.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  ;; Two buffer descriptors, 8 bytes each, and their texts.
  (data (i32.const 0) "\20\00\00\00\15\00\00\00\40\00\00\00\19\00\00\00")
  (data (i32.const 32) "I can see the clock.\0a")
  (data (i32.const 64) "I may not see the clock.\0a")
  (func (export "_start")
    (drop
      (call $write
        (i32.const 1)
        (select (i32.const 8) (i32.const 0) (call $time (i32.const 0) (i64.const 1) (i32.const 128)))
        (i32.const 1)
        (i32.const 136)))))
