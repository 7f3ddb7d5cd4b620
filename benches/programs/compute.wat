;; Computes for about a second: how many primes there are below 16 million, by a sieve of one byte a number.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 245)
  (func (export "_start") (local $n i32) (local $at i32) (local $count i32)
    (local.set $n (i32.const 2))
    (loop $numbers
      (if (i32.eqz (i32.load8_u (local.get $n)))
        (then
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (local.set $at (i32.shl (local.get $n) (i32.const 1)))
          (block $done
            (loop $multiples
              (br_if $done (i32.ge_u (local.get $at) (i32.const 16000000)))
              (i32.store8 (local.get $at) (i32.const 1))
              (local.set $at (i32.add (local.get $at) (local.get $n)))
              (br $multiples)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $numbers (i32.lt_u (local.get $n) (i32.const 16000000))))
    ;; 1 031 130 primes: another answer is a failure.
    (call $exit (i32.ne (local.get $count) (i32.const 1031130)))))
