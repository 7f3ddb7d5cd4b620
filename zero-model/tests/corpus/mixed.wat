(module $a.wasm
(type (;0;) (func (param i32) (result i32)))
(type (;1;) (func))
(type (;2;) (func (param i32 i32) (result i32)))
(type (;3;) (func (param f64) (result f64)))
(type (;4;) (func (param i64 f32) (result i64)))
(type (;5;) (func (result i32)))
(table (;0;) 1 1 funcref)
(memory (;0;) 2)
(global $__stack_pointer (;0;) (mut i32) i32.const 66608)
(global (;1;) i32 i32.const 1060)
(global (;2;) i32 i32.const 1024)
(global (;3;) i32 i32.const 1064)
(global (;4;) i32 i32.const 1072)
(global (;5;) i32 i32.const 66608)
(global (;6;) i32 i32.const 1024)
(global (;7;) i32 i32.const 66608)
(global (;8;) i32 i32.const 131072)
(global (;9;) i32 i32.const 0)
(global (;10;) i32 i32.const 1)
(export "memory" (memory 0))
(export "__wasm_call_ctors" (func $__wasm_call_ctors))
(export "hamming" (func $hamming))
(export "f" (func $f))
(export "sw" (func $sw))
(export "g" (func $g))
(export "ind" (func $ind))
(export "fp" (global 1))
(export "msg" (func $msg))
(export "__indirect_function_table" (table 0))
(export "__dso_handle" (global 2))
(export "__data_end" (global 3))
(export "__stack_low" (global 4))
(export "__stack_high" (global 5))
(export "__global_base" (global 6))
(export "__heap_base" (global 7))
(export "__heap_end" (global 8))
(export "__memory_base" (global 9))
(export "__table_base" (global 10))
(func $__wasm_call_ctors (;0;) (type 1))
(func $hamming (;1;) (type 2) (param i32 i32) (result i32)
(local i32)
i32.const 0
local.set 2
block ;; label = @1
local.get 1
local.get 0
i32.eq
br_if 0 (;@1;)
local.get 1
local.get 0
i32.xor
local.set 0
i32.const 0
local.set 2
loop ;; label = @2
local.get 2
i32.const 1
i32.add
local.set 2
local.get 0
i32.const -1
i32.add
local.get 0
i32.and
local.tee 0
br_if 0 (;@2;)
end
end
local.get 2
)
(func $f (;2;) (type 3) (param f64) (result f64)
local.get 0
f64.const 0x1.ap+1 (;=3.25;)
f64.mul
f64.const 0x1.56e1fc2f8f359p-997 (;=0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001;)
f64.add
)
(func $sw (;3;) (type 0) (param i32) (result i32)
(local i32)
i32.const 0
local.set 1
block ;; label = @1
local.get 0
i32.const 5
i32.gt_u
br_if 0 (;@1;)
local.get 0
i32.const 2
i32.shl
i32.const 1036
i32.add
i32.load
local.set 1
end
local.get 1
)
(func $g (;4;) (type 4) (param i64 f32) (result i64)
(local i64)
local.get 0
i64.const 81985529216486895
i64.mul
local.set 0
block ;; label = @1
block ;; label = @2
local.get 1
f32.abs
f32.const 0x1p+63 (;=9223372000000000000;)
f32.lt
i32.eqz
br_if 0 (;@2;)
local.get 1
i64.trunc_f32_s
local.set 2
br 1 (;@1;)
end
i64.const -9223372036854775808
local.set 2
end
local.get 0
local.get 2
i64.add
)
(func $ind (;5;) (type 0) (param i32) (result i32)
local.get 0
i32.const 0
i32.load offset=1060
call_indirect (type 0)
)
(func $msg (;6;) (type 5) (result i32)
i32.const 1024
)
(data $.rodata (;0;) (i32.const 1024) "hello\0a\22q\22\00\00\00\01\00\00\00\07\00\00\00\fd\ff\ff\ff\00\00\00\00\00\00\00\00\09\00\00\00")
)
