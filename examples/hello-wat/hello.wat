;; The smallest useful program: one call of WASI's fd_write. No capability is needed to write to standard output.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; One buffer descriptor at 0: address 16, length 13. The number of bytes written goes to 8.
  (data (i32.const 0) "\10\00\00\00\0d\00\00\00")
  (data (i32.const 16) "hello, world\n")
  (func (export "_start")
    (drop
      (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
