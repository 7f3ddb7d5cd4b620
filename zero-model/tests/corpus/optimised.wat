(module $b.wasm
(type (;0;) (func))
(type (;1;) (func (param i32 i32) (result i32)))
(type (;2;) (func (param i32) (result i32)))
(type (;3;) (func (param i32 i32 i32) (result f32)))
(type (;4;) (func (param i32) (result i64)))
(type (;5;) (func (param f64) (result f64)))
(memory (;0;) 2)
(global $__stack_pointer (;0;) (mut i32) i32.const 67584)
(global (;1;) i32 i32.const 1024)
(global (;2;) i32 i32.const 2048)
(global (;3;) i32 i32.const 2048)
(global (;4;) i32 i32.const 67584)
(global (;5;) i32 i32.const 1024)
(global (;6;) i32 i32.const 67584)
(global (;7;) i32 i32.const 131072)
(global (;8;) i32 i32.const 0)
(global (;9;) i32 i32.const 1)
(export "memory" (memory 0))
(export "__wasm_call_ctors" (func $__wasm_call_ctors))
(export "crc" (func $crc))
(export "len" (func $len))
(export "dot" (func $dot))
(export "fib" (func $fib))
(export "parity" (func $parity))
(export "digits" (func $digits))
(export "poly" (func $poly))
(export "__dso_handle" (global 1))
(export "__data_end" (global 2))
(export "__stack_low" (global 3))
(export "__stack_high" (global 4))
(export "__global_base" (global 5))
(export "__heap_base" (global 6))
(export "__heap_end" (global 7))
(export "__memory_base" (global 8))
(export "__table_base" (global 9))
(func $__wasm_call_ctors (;0;) (type 0))
(func $crc (;1;) (type 1) (param i32 i32) (result i32)
(local i32 i32 i32 i32 i32)
i32.const 0
local.set 2
block ;; label = @1
i32.const 0
i32.load offset=1028
br_if 0 (;@1;)
i32.const 0
local.set 3
loop ;; label = @2
i32.const 8
local.set 4
local.get 3
local.set 5
loop ;; label = @3
local.get 5
i32.const 1
i32.shr_u
local.tee 6
i32.const -306674912
i32.xor
local.get 6
local.get 5
i32.const 1
i32.and
select
local.set 5
local.get 4
i32.const -1
i32.add
local.tee 4
br_if 0 (;@3;)
end
local.get 3
i32.const 2
i32.shl
i32.const 1024
i32.add
local.get 5
i32.store
local.get 3
i32.const 1
i32.add
local.tee 3
i32.const 256
i32.ne
br_if 0 (;@2;)
end
end
block ;; label = @1
local.get 1
i32.eqz
br_if 0 (;@1;)
i32.const -1
local.set 5
loop ;; label = @2
local.get 0
i32.load8_u
local.get 5
i32.xor
i32.const 255
i32.and
i32.const 2
i32.shl
i32.const 1024
i32.add
i32.load
local.get 5
i32.const 8
i32.shr_u
i32.xor
local.set 5
local.get 0
i32.const 1
i32.add
local.set 0
local.get 1
i32.const -1
i32.add
local.tee 1
br_if 0 (;@2;)
end
local.get 5
i32.const -1
i32.xor
local.set 2
end
local.get 2
)
(func $len (;2;) (type 2) (param i32) (result i32)
(local i32 i32 i32)
i32.const 0
local.set 1
loop ;; label = @1
local.get 0
local.get 1
i32.add
local.set 2
local.get 1
i32.const 1
i32.add
local.tee 3
local.set 1
local.get 2
i32.load8_u
br_if 0 (;@1;)
end
local.get 3
i32.const -1
i32.add
)
(func $dot (;3;) (type 3) (param i32 i32 i32) (result f32)
(local f32)
f32.const 0x0p+0 (;=0;)
local.set 3
block ;; label = @1
local.get 2
i32.const 1
i32.lt_s
br_if 0 (;@1;)
loop ;; label = @2
local.get 0
f32.load
local.get 1
f32.load
f32.mul
local.get 3
f32.add
local.set 3
local.get 0
i32.const 4
i32.add
local.set 0
local.get 1
i32.const 4
i32.add
local.set 1
local.get 2
i32.const -1
i32.add
local.tee 2
br_if 0 (;@2;)
end
end
local.get 3
)
(func $fib (;4;) (type 4) (param i32) (result i64)
(local i64 i32 i32)
i64.const 0
local.set 1
block ;; label = @1
block ;; label = @2
local.get 0
i32.const 2
i32.ge_s
br_if 0 (;@2;)
local.get 0
local.set 2
br 1 (;@1;)
end
i64.const 0
local.set 1
loop ;; label = @2
local.get 0
i32.const -1
i32.add
call $fib
local.get 1
i64.add
local.set 1
local.get 0
i32.const 4
i32.lt_u
local.set 3
local.get 0
i32.const -2
i32.add
local.tee 2
local.set 0
local.get 3
i32.eqz
br_if 0 (;@2;)
end
end
local.get 1
local.get 2
i64.extend_i32_s
i64.add
)
(func $parity (;5;) (type 2) (param i32) (result i32)
local.get 0
call $even
)
(func $even (;6;) (type 2) (param i32) (result i32)
block ;; label = @1
local.get 0
br_if 0 (;@1;)
i32.const 1
return
end
local.get 0
i32.const -1
i32.add
call $odd
)
(func $odd (;7;) (type 2) (param i32) (result i32)
block ;; label = @1
local.get 0
br_if 0 (;@1;)
i32.const 0
return
end
local.get 0
i32.const -1
i32.add
call $even
)
(func $digits (;8;) (type 1) (param i32 i32) (result i32)
(local i32 i32 i32)
i32.const 0
local.set 2
loop ;; label = @1
local.get 0
local.get 2
i32.add
local.get 1
local.get 1
i32.const 10
i32.div_u
local.tee 3
i32.const 10
i32.mul
i32.sub
i32.const 48
i32.or
i32.store8
local.get 2
i32.const 1
i32.add
local.set 2
local.get 1
i32.const 9
i32.gt_u
local.set 4
local.get 3
local.set 1
local.get 4
br_if 0 (;@1;)
end
local.get 2
)
(func $poly (;9;) (type 5) (param f64) (result f64)
local.get 0
f64.const 0x1.8p+1 (;=3;)
f64.mul
f64.const 0x1p+1 (;=2;)
f64.add
local.get 0
f64.mul
f64.const -0x1p+0 (;=-1;)
f64.add
local.get 0
f64.mul
f64.const 0x1.999999999999ap-4 (;=0.1;)
f64.add
)
)
