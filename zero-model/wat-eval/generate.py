#!/usr/bin/env python3
"""Makes tasks.jsonl from the reference functions in *.c.

A comment is the prompt, the function below it the reference. Inputs are edge cases and seeded random numbers. An input
stays if the reference gives the same result at -O0 and at -Os and no undefined behaviour traps; a task needs 64 of them
and two different results. Needs clang with a wasm32 target (CLANG), wasm-ld, and wasm-tools (WASM_TOOLS).
"""

import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLANG = os.environ.get("CLANG", "clang")
WASM_TOOLS = os.environ.get("WASM_TOOLS", "wasm-tools")
TESTS = 64
EXAMPLES = 3
TYPES = {"int32_t": "i32", "uint32_t": "i32", "int64_t": "i64", "uint64_t": "i64", "float": "f32", "double": "f64"}
FUNCTION = re.compile(r"/\* (?P<prompt>.*?) \*/\n(?P<code>(?P<result>\w+) (?P<name>\w+)\((?P<params>[^)]*)\).*)")
HEADER = "typedef int int32_t; typedef unsigned uint32_t; typedef long long int64_t; typedef unsigned long long uint64_t;\n" \
    "#define INT32_MAX 0x7fffffff\n#define INT32_MIN (-0x7fffffff - 1)\n"
# Traps and endless loops give up one call, not the program.
DRIVER = """
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
static sigjmp_buf back;
static void stop(int signal) { siglongjmp(back, signal); }
static void arm(long us) { struct itimerval t = {{0, 0}, {0, us}}; setitimer(ITIMER_REAL, &t, 0); }
int main(void) {
  signal(SIGILL, stop); signal(SIGTRAP, stop); signal(SIGFPE, stop); signal(SIGSEGV, stop); signal(SIGALRM, stop);
%s
  return 0;
}
"""


def inputs(rng, types):
    """Arguments: small and large numbers, edges, then whatever the generator gives."""
    small = [0, 1, 2, 3, 5, 7, 10, 12, 100, 255, 256, 1000]
    for n in range(TESTS * 3):
        args = []
        for ctype in types:
            if TYPES[ctype] == "f64":
                edge = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 100.0, 1e6, -0.25]
                args.append(rng.choice(edge) if rng.random() < 0.4 else round(rng.uniform(-1000, 1000), rng.randrange(6)))
                continue
            bits = 32 if "32" in ctype else 64
            pick = rng.random()
            if n < len(small):
                value = small[(n + 5 * len(args)) % len(small)]
            elif pick < 0.45:
                value = rng.randrange(0, 1 << rng.choice([4, 8, 12, 16]))
            elif pick < 0.55:
                value = rng.choice([(1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1])
            else:
                value = rng.randrange(0, 1 << bits)
            args.append(value)
        yield args


def literal(value, ctype):
    return repr(value) if TYPES[ctype] == "f64" else f"({ctype}){value}ULL"


def driver(functions):
    bodies = []
    for function in functions:
        fields = " ".join(f"{ctype} a{at};" for at, ctype in enumerate(function["types"]))
        rows = ",".join("{" + ",".join(literal(v, t) for v, t in zip(args, function["types"])) + "}" for args in function["inputs"])
        call = f"{function['name']}({', '.join(f'in[i].a{at}' for at in range(len(function['types'])))})"
        if function["result"] == "double":
            show = f'printf("%.17g\\n", {call});'
        else:
            show = f'printf("%lld\\n", (long long)({"int32_t" if "32" in function["result"] else "int64_t"}){call});'
        bodies.append(f"""{{ static const struct {{ {fields} }} in[] = {{{rows}}};
    for (volatile unsigned i = 0; i < sizeof in / sizeof *in; i++)
      if (!sigsetjmp(back, 1)) {{ arm(200000); {show} }} else puts("stopped"); }}""")
    return DRIVER % "\n".join(bodies)


def results(functions, flags, folder):
    source = Path(folder) / "driver.c"
    source.write_text(HEADER + "\n".join(f["code"] for f in functions) + driver(functions))
    program = Path(folder) / "driver"
    subprocess.run([CLANG, "-w", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", *flags, str(source), "-o", str(program)], check=True)
    return subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.split("\n")


def reference(function, folder):
    source, wasm = Path(folder) / "reference.c", Path(folder) / "reference.wasm"
    source.write_text(HEADER + function["code"])
    subprocess.run([CLANG, "--target=wasm32-unknown-unknown", "-Os", "-mcpu=mvp", "-ffreestanding", "-nostdlib", "-ffp-contract=off", "-fno-math-errno",
                    "-mllvm", "-replexitval=never", "-Wl,--no-entry", f"-Wl,--export={function['name']}", "-Wl,--strip-debug", str(source), "-o", str(wasm)], check=True)
    text = subprocess.run([WASM_TOOLS, "print", "--indent-text", "", str(wasm)], check=True, capture_output=True, text=True).stdout
    text = re.sub(r"\(@producers.*?\n\)\n", "", text, flags=re.S)
    text = re.sub(r"\(@custom[^\n]*\n", "", text)
    return re.sub(r"\(module \$\S+", "(module", text).strip()


def signed(value, ctype):
    if TYPES[ctype] == "f64":
        return value
    bits = 32 if "32" in ctype else 64
    return value - (1 << bits) if value >> (bits - 1) else value


def main():
    functions = []
    for source in sorted(HERE.glob("*.c")):
        for match in FUNCTION.finditer(source.read_text()):
            types = [p.strip().rsplit(" ", 1)[0] for p in match["params"].split(",")]
            rng = random.Random(match["name"])
            functions.append({**match.groupdict(), "types": types, "tier": source.stem, "inputs": list(inputs(rng, types))})
    with tempfile.TemporaryDirectory() as folder:
        trap = ["-O1", "-fsanitize=undefined", "-fno-sanitize=unsigned-integer-overflow", "-fsanitize-trap=all"]
        runs = zip(*(results(functions, flags, folder) for flags in (["-O0"], ["-Os"], trap)))
        left = 0
        with open(HERE / "tasks.jsonl", "w", encoding="utf-8") as out:
            for function in functions:
                calls = []
                for args, outcomes in zip(function["inputs"], runs):
                    first = outcomes[0]
                    if len(set(outcomes)) > 1 or first == "stopped":
                        continue
                    number = float(first) if function["result"] == "double" else int(first)
                    if isinstance(number, float) and not math.isfinite(number):
                        continue
                    call = {"args": [signed(v, t) for v, t in zip(args, function["types"])], "result": number}
                    if call not in calls:
                        calls.append(call)
                distinct = len({json.dumps(c["result"]) for c in calls})
                if distinct < 2 or len(calls) < TESTS + EXAMPLES:
                    print(f"left out: {function['name']}: {len(calls)} inputs, {distinct} results", file=sys.stderr)
                    left += 1
                    continue
                task = {
                    "id": f"{function['tier']}/{function['name']}", "tier": function["tier"], "prompt": function["prompt"],
                    "signature": {"name": function["name"], "params": [TYPES[t] for t in function["types"]], "result": TYPES[function["result"]]},
                    "examples": calls[:EXAMPLES], "tests": calls[EXAMPLES:EXAMPLES + TESTS], "reference": reference(function, folder),
                }
                out.write(json.dumps(task, separators=(",", ":")) + "\n")
    print(f"{len(functions) - left} tasks", file=sys.stderr)


main()
