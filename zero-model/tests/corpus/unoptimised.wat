(module $b0.wasm
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
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 2
i32.const 16
local.set 3
local.get 2
local.get 3
i32.sub
local.set 4
local.get 4
global.set $__stack_pointer
local.get 4
local.get 0
i32.store offset=12
local.get 4
local.get 1
i32.store offset=8
i32.const 0
local.set 5
local.get 5
i32.load offset=1028
local.set 6
block ;; label = @1
local.get 6
br_if 0 (;@1;)
call $make
end
i32.const -1
local.set 7
local.get 4
local.get 7
i32.store offset=4
block ;; label = @1
loop ;; label = @2
local.get 4
i32.load offset=8
local.set 8
i32.const -1
local.set 9
local.get 8
local.get 9
i32.add
local.set 10
local.get 4
local.get 10
i32.store offset=8
local.get 8
i32.eqz
br_if 1 (;@1;)
local.get 4
i32.load offset=4
local.set 11
local.get 4
i32.load offset=12
local.set 12
i32.const 1
local.set 13
local.get 12
local.get 13
i32.add
local.set 14
local.get 4
local.get 14
i32.store offset=12
local.get 12
i32.load8_u
local.set 15
i32.const 255
local.set 16
local.get 15
local.get 16
i32.and
local.set 17
local.get 11
local.get 17
i32.xor
local.set 18
i32.const 255
local.set 19
local.get 18
local.get 19
i32.and
local.set 20
i32.const 1024
local.set 21
i32.const 2
local.set 22
local.get 20
local.get 22
i32.shl
local.set 23
local.get 21
local.get 23
i32.add
local.set 24
local.get 24
i32.load
local.set 25
local.get 4
i32.load offset=4
local.set 26
i32.const 8
local.set 27
local.get 26
local.get 27
i32.shr_u
local.set 28
local.get 25
local.get 28
i32.xor
local.set 29
local.get 4
local.get 29
i32.store offset=4
br 0 (;@2;)
end
end
local.get 4
i32.load offset=4
local.set 30
i32.const -1
local.set 31
local.get 30
local.get 31
i32.xor
local.set 32
i32.const 16
local.set 33
local.get 4
local.get 33
i32.add
local.set 34
local.get 34
global.set $__stack_pointer
local.get 32
return
)
(func $make (;2;) (type 0)
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 0
i32.const 16
local.set 1
local.get 0
local.get 1
i32.sub
local.set 2
i32.const 0
local.set 3
local.get 2
local.get 3
i32.store offset=12
block ;; label = @1
loop ;; label = @2
local.get 2
i32.load offset=12
local.set 4
i32.const 256
local.set 5
local.get 4
local.get 5
i32.lt_u
local.set 6
i32.const 1
local.set 7
local.get 6
local.get 7
i32.and
local.set 8
local.get 8
i32.eqz
br_if 1 (;@1;)
local.get 2
i32.load offset=12
local.set 9
local.get 2
local.get 9
i32.store offset=8
i32.const 0
local.set 10
local.get 2
local.get 10
i32.store offset=4
block ;; label = @3
loop ;; label = @4
local.get 2
i32.load offset=4
local.set 11
i32.const 8
local.set 12
local.get 11
local.get 12
i32.lt_s
local.set 13
i32.const 1
local.set 14
local.get 13
local.get 14
i32.and
local.set 15
local.get 15
i32.eqz
br_if 1 (;@3;)
local.get 2
i32.load offset=8
local.set 16
i32.const 1
local.set 17
local.get 16
local.get 17
i32.and
local.set 18
block ;; label = @5
block ;; label = @6
local.get 18
i32.eqz
br_if 0 (;@6;)
local.get 2
i32.load offset=8
local.set 19
i32.const 1
local.set 20
local.get 19
local.get 20
i32.shr_u
local.set 21
i32.const -306674912
local.set 22
local.get 21
local.get 22
i32.xor
local.set 23
local.get 23
local.set 24
br 1 (;@5;)
end
local.get 2
i32.load offset=8
local.set 25
i32.const 1
local.set 26
local.get 25
local.get 26
i32.shr_u
local.set 27
local.get 27
local.set 24
end
local.get 24
local.set 28
local.get 2
local.get 28
i32.store offset=8
local.get 2
i32.load offset=4
local.set 29
i32.const 1
local.set 30
local.get 29
local.get 30
i32.add
local.set 31
local.get 2
local.get 31
i32.store offset=4
br 0 (;@4;)
end
end
local.get 2
i32.load offset=8
local.set 32
local.get 2
i32.load offset=12
local.set 33
i32.const 1024
local.set 34
i32.const 2
local.set 35
local.get 33
local.get 35
i32.shl
local.set 36
local.get 34
local.get 36
i32.add
local.set 37
local.get 37
local.get 32
i32.store
local.get 2
i32.load offset=12
local.set 38
i32.const 1
local.set 39
local.get 38
local.get 39
i32.add
local.set 40
local.get 2
local.get 40
i32.store offset=12
br 0 (;@2;)
end
end
return
)
(func $len (;3;) (type 2) (param i32) (result i32)
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 1
i32.const 16
local.set 2
local.get 1
local.get 2
i32.sub
local.set 3
local.get 3
local.get 0
i32.store offset=12
i32.const 0
local.set 4
local.get 3
local.get 4
i32.store offset=8
block ;; label = @1
loop ;; label = @2
local.get 3
i32.load offset=12
local.set 5
local.get 3
i32.load offset=8
local.set 6
local.get 5
local.get 6
i32.add
local.set 7
local.get 7
i32.load8_u
local.set 8
i32.const 0
local.set 9
i32.const 255
local.set 10
local.get 8
local.get 10
i32.and
local.set 11
i32.const 255
local.set 12
local.get 9
local.get 12
i32.and
local.set 13
local.get 11
local.get 13
i32.ne
local.set 14
i32.const 1
local.set 15
local.get 14
local.get 15
i32.and
local.set 16
local.get 16
i32.eqz
br_if 1 (;@1;)
local.get 3
i32.load offset=8
local.set 17
i32.const 1
local.set 18
local.get 17
local.get 18
i32.add
local.set 19
local.get 3
local.get 19
i32.store offset=8
br 0 (;@2;)
end
end
local.get 3
i32.load offset=8
local.set 20
local.get 20
return
)
(func $dot (;4;) (type 3) (param i32 i32 i32) (result f32)
(local i32 i32 i32 i32 f32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 f32 i32 i32 i32 i32 i32 f32 f32 f32 f32 i32 i32 i32 f32)
global.get $__stack_pointer
local.set 3
i32.const 32
local.set 4
local.get 3
local.get 4
i32.sub
local.set 5
local.get 5
local.get 0
i32.store offset=28
local.get 5
local.get 1
i32.store offset=24
local.get 5
local.get 2
i32.store offset=20
i32.const 0
local.set 6
local.get 6
f32.convert_i32_s
local.set 7
local.get 5
local.get 7
f32.store offset=16
i32.const 0
local.set 8
local.get 5
local.get 8
i32.store offset=12
block ;; label = @1
loop ;; label = @2
local.get 5
i32.load offset=12
local.set 9
local.get 5
i32.load offset=20
local.set 10
local.get 9
local.get 10
i32.lt_s
local.set 11
i32.const 1
local.set 12
local.get 11
local.get 12
i32.and
local.set 13
local.get 13
i32.eqz
br_if 1 (;@1;)
local.get 5
i32.load offset=28
local.set 14
local.get 5
i32.load offset=12
local.set 15
i32.const 2
local.set 16
local.get 15
local.get 16
i32.shl
local.set 17
local.get 14
local.get 17
i32.add
local.set 18
local.get 18
f32.load
local.set 19
local.get 5
i32.load offset=24
local.set 20
local.get 5
i32.load offset=12
local.set 21
i32.const 2
local.set 22
local.get 21
local.get 22
i32.shl
local.set 23
local.get 20
local.get 23
i32.add
local.set 24
local.get 24
f32.load
local.set 25
local.get 5
f32.load offset=16
local.set 26
local.get 19
local.get 25
f32.mul
local.set 27
local.get 27
local.get 26
f32.add
local.set 28
local.get 5
local.get 28
f32.store offset=16
local.get 5
i32.load offset=12
local.set 29
i32.const 1
local.set 30
local.get 29
local.get 30
i32.add
local.set 31
local.get 5
local.get 31
i32.store offset=12
br 0 (;@2;)
end
end
local.get 5
f32.load offset=16
local.set 32
local.get 32
return
)
(func $fib (;5;) (type 4) (param i32) (result i64)
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i64 i32 i32 i32 i64 i32 i32 i32 i64 i64 i64 i32 i32)
global.get $__stack_pointer
local.set 1
i32.const 16
local.set 2
local.get 1
local.get 2
i32.sub
local.set 3
local.get 3
global.set $__stack_pointer
local.get 3
local.get 0
i32.store offset=12
local.get 3
i32.load offset=12
local.set 4
i32.const 2
local.set 5
local.get 4
local.get 5
i32.lt_s
local.set 6
i32.const 1
local.set 7
local.get 6
local.get 7
i32.and
local.set 8
block ;; label = @1
block ;; label = @2
local.get 8
i32.eqz
br_if 0 (;@2;)
local.get 3
i32.load offset=12
local.set 9
local.get 9
local.set 10
local.get 10
i64.extend_i32_s
local.set 11
local.get 11
local.set 12
br 1 (;@1;)
end
local.get 3
i32.load offset=12
local.set 13
i32.const 1
local.set 14
local.get 13
local.get 14
i32.sub
local.set 15
local.get 15
call $fib
local.set 16
local.get 3
i32.load offset=12
local.set 17
i32.const 2
local.set 18
local.get 17
local.get 18
i32.sub
local.set 19
local.get 19
call $fib
local.set 20
local.get 16
local.get 20
i64.add
local.set 21
local.get 21
local.set 12
end
local.get 12
local.set 22
i32.const 16
local.set 23
local.get 3
local.get 23
i32.add
local.set 24
local.get 24
global.set $__stack_pointer
local.get 22
return
)
(func $parity (;6;) (type 2) (param i32) (result i32)
(local i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 1
i32.const 16
local.set 2
local.get 1
local.get 2
i32.sub
local.set 3
local.get 3
global.set $__stack_pointer
local.get 3
local.get 0
i32.store offset=12
local.get 3
i32.load offset=12
local.set 4
local.get 4
call $even
local.set 5
i32.const 16
local.set 6
local.get 3
local.get 6
i32.add
local.set 7
local.get 7
global.set $__stack_pointer
local.get 5
return
)
(func $even (;7;) (type 2) (param i32) (result i32)
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 1
i32.const 16
local.set 2
local.get 1
local.get 2
i32.sub
local.set 3
local.get 3
global.set $__stack_pointer
local.get 3
local.get 0
i32.store offset=12
local.get 3
i32.load offset=12
local.set 4
block ;; label = @1
block ;; label = @2
local.get 4
br_if 0 (;@2;)
i32.const 1
local.set 5
local.get 5
local.set 6
br 1 (;@1;)
end
local.get 3
i32.load offset=12
local.set 7
i32.const 1
local.set 8
local.get 7
local.get 8
i32.sub
local.set 9
local.get 9
call $odd
local.set 10
local.get 10
local.set 6
end
local.get 6
local.set 11
i32.const 16
local.set 12
local.get 3
local.get 12
i32.add
local.set 13
local.get 13
global.set $__stack_pointer
local.get 11
return
)
(func $odd (;8;) (type 2) (param i32) (result i32)
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 1
i32.const 16
local.set 2
local.get 1
local.get 2
i32.sub
local.set 3
local.get 3
global.set $__stack_pointer
local.get 3
local.get 0
i32.store offset=12
local.get 3
i32.load offset=12
local.set 4
block ;; label = @1
block ;; label = @2
local.get 4
br_if 0 (;@2;)
i32.const 0
local.set 5
local.get 5
local.set 6
br 1 (;@1;)
end
local.get 3
i32.load offset=12
local.set 7
i32.const 1
local.set 8
local.get 7
local.get 8
i32.sub
local.set 9
local.get 9
call $even
local.set 10
local.get 10
local.set 6
end
local.get 6
local.set 11
i32.const 16
local.set 12
local.get 3
local.get 12
i32.add
local.set 13
local.get 13
global.set $__stack_pointer
local.get 11
return
)
(func $digits (;9;) (type 1) (param i32 i32) (result i32)
(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
global.get $__stack_pointer
local.set 2
i32.const 16
local.set 3
local.get 2
local.get 3
i32.sub
local.set 4
local.get 4
local.get 0
i32.store offset=12
local.get 4
local.get 1
i32.store offset=8
i32.const 0
local.set 5
local.get 4
local.get 5
i32.store offset=4
loop ;; label = @1
local.get 4
i32.load offset=8
local.set 6
i32.const 10
local.set 7
local.get 6
local.get 7
i32.rem_u
local.set 8
i32.const 48
local.set 9
local.get 8
local.get 9
i32.add
local.set 10
local.get 4
i32.load offset=12
local.set 11
local.get 4
i32.load offset=4
local.set 12
i32.const 1
local.set 13
local.get 12
local.get 13
i32.add
local.set 14
local.get 4
local.get 14
i32.store offset=4
local.get 11
local.get 12
i32.add
local.set 15
local.get 15
local.get 10
i32.store8
local.get 4
i32.load offset=8
local.set 16
i32.const 10
local.set 17
local.get 16
local.get 17
i32.div_u
local.set 18
local.get 4
local.get 18
i32.store offset=8
local.get 4
i32.load offset=8
local.set 19
local.get 19
br_if 0 (;@1;)
end
local.get 4
i32.load offset=4
local.set 20
local.get 20
return
)
(func $poly (;10;) (type 5) (param f64) (result f64)
(local i32 i32 i32 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64)
global.get $__stack_pointer
local.set 1
i32.const 16
local.set 2
local.get 1
local.get 2
i32.sub
local.set 3
local.get 3
local.get 0
f64.store offset=8
local.get 3
f64.load offset=8
local.set 4
f64.const 0x1.8p+1 (;=3;)
local.set 5
local.get 4
local.get 5
f64.mul
local.set 6
f64.const 0x1p+1 (;=2;)
local.set 7
local.get 6
local.get 7
f64.add
local.set 8
local.get 3
f64.load offset=8
local.set 9
local.get 8
local.get 9
f64.mul
local.set 10
f64.const -0x1p+0 (;=-1;)
local.set 11
local.get 10
local.get 11
f64.add
local.set 12
local.get 3
f64.load offset=8
local.set 13
local.get 12
local.get 13
f64.mul
local.set 14
f64.const 0x1.999999999999ap-4 (;=0.1;)
local.set 15
local.get 14
local.get 15
f64.add
local.set 16
local.get 16
return
)
)
