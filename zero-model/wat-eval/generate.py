#!/usr/bin/env python3
"""Makes tasks.jsonl from the reference functions in scalar.c, memory.c and alloc.c.

A comment is the prompt, the function below it the reference. An input stays if the reference gives the same result at
-O0 and at -Os, whatever is in memory around the buffers, if no undefined behaviour traps and nothing outside the buffers
was written to; a task needs 64 of them after its examples and two different results. Needs clang with a wasm32 target
(CLANG), wasm-ld, and wasm-tools (WASM_TOOLS).
"""

import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from inputs import ELEMENTS, TYPES, Parameter, inputs, signed

HERE = Path(__file__).resolve().parent
CLANG = os.environ.get("CLANG", "clang")
WASM_TOOLS = os.environ.get("WASM_TOOLS", "wasm-tools")
TIERS = ["scalar", "memory", "alloc"]
TESTS = 64
EXAMPLES = 3
FUNCTION = re.compile(r"/\* (?:\[(?P<style>\w+)\] )?(?P<prompt>.*?) \*/\n(?P<code>(?P<result>\w+) (?P<star>\*?)(?P<name>\w+)\((?P<params>[^)]*)\).*)")
HEADER = "typedef signed char int8_t; typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef int int32_t; typedef unsigned uint32_t;\n" \
    "typedef long long int64_t; typedef unsigned long long uint64_t;\n" \
    "#define INT32_MAX 0x7fffffff\n#define INT32_MIN (-0x7fffffff - 1)\n"
# A block is its length in four bytes, then the bytes.
ALLOC = """
static uint8_t heap[8192] __attribute__((aligned(8)));
static uint32_t used;
static void *block(uint32_t bytes) { uint8_t *b = heap + used; *(uint32_t *)b = bytes; used += (bytes + 11) & ~7u; return b; }
static void *shrink(void *b, uint32_t bytes) { *(uint32_t *)b = bytes; return b; }
"""
# Traps and endless loops give up one call, not the program.
DRIVER = """
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
static sigjmp_buf back;
static void stop(int signal) { siglongjmp(back, signal); }
static void arm(long us) { struct itimerval t = {{0, 0}, {0, us}}; setitimer(ITIMER_REAL, &t, 0); }
static void *guarded(const void *from, unsigned size) { unsigned char *p = malloc(size + 64); memset(p, AROUND, size + 64); memcpy(p + 32, from, size); return p + 32; }
static int touched(const void *at, unsigned size) { const unsigned char *p = at; for (int i = 1; i <= 32; i++) if (p[-i] != AROUND || p[size + i - 1] != AROUND) return 1; return 0; }
static void hex(const void *at, unsigned size) { const unsigned char *p = at; putchar(' '); putchar('@'); for (unsigned i = 0; i < size; i++) printf("%%02x", p[i]); }
int main(void) {
  signal(SIGILL, stop); signal(SIGTRAP, stop); signal(SIGFPE, stop); signal(SIGSEGV, stop); signal(SIGALRM, stop);
%s
  return 0;
}
"""
PACK = {"char": "B", "uint8_t": "B", "int32_t": "i", "double": "d"}


def packed(values, base):
    return struct.pack(f"<{len(values)}{PACK[base]}", *values)


def literal(value, base):
    return repr(value) if base == "double" else f"({base}){value % (1 << 64)}ULL"


def call(function, args):
    """C that tries one input and prints one line: the result, then the buffers that may have changed."""
    before, names, checks, shows = [], [], ["0"], []
    for at, (parameter, value) in enumerate(zip(function["parameters"], args)):
        if not parameter.buffer:
            names.append(literal(value, parameter.base))
            continue
        data = packed(value, parameter.base)
        before.append(f'{parameter.base} *b{at} = guarded("{"".join(f"{chr(92)}x{byte:02x}" for byte in data)}", {len(data)});')
        names.append(f"b{at}")
        checks.append(f"touched(b{at}, {len(data)})")
        if not parameter.const:
            shows.append(f"hex(b{at}, {len(data)});")
    result, invoke = function["result"], f"{function['name']}({', '.join(names)})"
    if function["star"]:
        got, show = f"const uint8_t *r = (const uint8_t *){invoke};", "hex(r + 4, *(const uint32_t *)r);"
    elif result == "double":
        got, show = f"double r = {invoke};", 'printf("%.17g", r);'
    else:
        got, show = f"long long r = ({'int32_t' if '32' in result else 'int64_t'}){invoke};", 'printf("%lld", r);'
    reset = "used = 0; memset(heap, 0, sizeof heap); " if function["tier"] == "alloc" else ""
    return f'if (!sigsetjmp(back, 1)) {{ {reset}{" ".join(before)} arm(200000); {got} arm(0); if ({" || ".join(checks)}) puts("stopped"); ' \
        f'else {{ {show} {" ".join(shows)} putchar(10); }} }} else puts("stopped");'


def results(functions, flags, folder):
    source, program = Path(folder) / "driver.c", Path(folder) / "driver"
    bodies = ["__attribute__((optnone, noinline)) static void try_%s(void) {\n%s\n}" % (f["name"], "\n".join(call(f, args) for args in f["inputs"])) for f in functions]
    main = DRIVER.split("int main")
    code = "\n".join(f["code"] for f in functions)
    text = "\n".join([(main[0] % ()), HEADER_TYPES, ALLOC, code, *bodies, "int main" + main[1] % "\n".join(f"  try_{f['name']}();" for f in functions)])
    source.write_text(text)
    subprocess.run([CLANG, "-w", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-builtin", *flags, str(source), "-o", str(program)], check=True)
    return subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.split("\n")


HEADER_TYPES = "#include <stdint.h>\n"


def reference(function, folder):
    source, wasm = Path(folder) / "reference.c", Path(folder) / "reference.wasm"
    memory = function["tier"] != "scalar"
    source.write_text(HEADER + (ALLOC if function["tier"] == "alloc" else "") + function["code"])
    # Loops stay loops: there is no C library that they could become calls of.
    more = ["-fno-builtin", "-Wl,-z,stack-size=4096"] if memory else []
    subprocess.run([CLANG, "--target=wasm32-unknown-unknown", "-w", "-Os", "-mcpu=mvp", "-ffreestanding", "-nostdlib", "-ffp-contract=off", "-fno-math-errno",
                    "-mllvm", "-replexitval=never", *more, "-Wl,--no-entry", f"-Wl,--export={function['name']}", "-Wl,--strip-debug", str(source), "-o", str(wasm)], check=True)
    text = subprocess.run([WASM_TOOLS, "print", "--indent-text", "", str(wasm)], check=True, capture_output=True, text=True).stdout
    text = re.sub(r"\(@producers.*?\n\)\n", "", text, flags=re.S)
    text = re.sub(r"\(@custom[^\n]*\n", "", text)
    return re.sub(r"\(module \$\S+", "(module", text).strip()


def buffer(data, base, room=False):
    """A buffer of the task format."""
    if base == "char" and not room:
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:
            return {"bytes": data.hex()}
    if base in ("char", "uint8_t"):
        return {"bytes": data.hex()}
    values = list(struct.unpack(f"<{len(data) // ELEMENTS[base]}{PACK[base]}", data))
    return {"i32" if base == "int32_t" else "f64": values}


def read(function, args, line):
    """The call that a line of the driver's output makes of an input, or nothing if it is no test."""
    parts = line.split(" ")
    head, rest = (parts[1], parts[2:]) if function["star"] else (parts[0], parts[1:])
    if function["star"]:
        result = buffer(bytes.fromhex(head[1:]), function["result"])
    else:
        result = float(head) if function["result"] == "double" else int(head)
        if isinstance(result, float) and not math.isfinite(result):
            return None
    given, after = [], []
    changed = iter(rest)
    for parameter, value in zip(function["parameters"], args):
        if not parameter.buffer:
            given.append(signed(value, parameter.base))
            continue
        room = parameter.name == "out"
        given.append(buffer(packed(value, parameter.base), parameter.base, room))
        after.append(None if parameter.const else buffer(bytes.fromhex(next(changed)[1:]), parameter.base, room))
    made = {"args": given, "result": result}
    if any(after):
        made["after"] = after
    return made


def task(function, runs, folder):
    calls = []
    for args, outcomes in zip(function["inputs"], runs):
        if len(set(outcomes)) > 1 or outcomes[0] == "stopped":
            continue
        made = read(function, args, outcomes[0])
        if made and made not in calls:
            calls.append(made)
    distinct = len({json.dumps([c["result"], c.get("after")]) for c in calls})
    if distinct < 2 or len(calls) < TESTS + EXAMPLES:
        print(f"left out: {function['name']}: {len(calls)} inputs, {distinct} results", file=sys.stderr)
        return None
    declaration = function["code"].split(" {", 1)[0]
    return {
        "id": f"{function['tier']}/{function['name']}", "tier": function["tier"], "prompt": function["prompt"],
        "signature": {"name": function["name"], "params": [p.wasm for p in function["parameters"]],
                      "result": "i32" if function["star"] else TYPES[function["result"]]},
        "examples": calls[:EXAMPLES], "tests": calls[EXAMPLES:EXAMPLES + TESTS], "c": declaration,
        "reference": reference(function, folder),
    }


def functions_of(tier):
    for match in FUNCTION.finditer((HERE / f"{tier}.c").read_text()):
        parameters = [Parameter.parse(text) for text in match["params"].split(",")]
        rng = random.Random(match["name"])
        made = list(inputs(rng, parameters, match["style"], TESTS * 4))
        yield {**match.groupdict(), "parameters": parameters, "tier": tier, "inputs": made}


def main():
    written = 0
    with tempfile.TemporaryDirectory() as folder, open(HERE / "tasks.jsonl", "w", encoding="utf-8") as out:
        for tier in TIERS:
            functions = list(functions_of(tier))
            trap = ["-O1", "-DAROUND=0xa5", "-fsanitize=undefined", "-fno-sanitize=unsigned-integer-overflow", "-fsanitize-trap=all"]
            runs = zip(*(results(functions, flags, folder) for flags in (["-O0", "-DAROUND=0xa5"], ["-Os", "-DAROUND=0x5a"], trap)))
            for function in functions:
                made = task(function, runs, folder)
                if made:
                    out.write(json.dumps(made, separators=(",", ":"), ensure_ascii=False) + "\n")
                    written += 1
    print(f"{written} tasks", file=sys.stderr)


main()
