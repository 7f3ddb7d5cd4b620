"""Judges answers to tasks with numbers by the wasmtime package: what `cargo zero eval` does, as one would write it in Python.

    judge_wasmtime.py TASKS SAMPLES JOBS -> {"samples": N, "seconds": S, "passed": N}
"""

import json
import math
import multiprocessing
import sys
import time

import wasmtime

FUEL = 10_000_000
MEMORY = 64 << 20

tasks = {task["id"]: task for task in map(json.loads, open(sys.argv[1], encoding="utf-8"))}
config = wasmtime.Config()
config.consume_fuel = True
engine = wasmtime.Engine(config)


def value(given):
    return float(given) if isinstance(given, str) else given


def same(got, expected, kind):
    expected = value(expected)
    if kind in ("f32", "f64"):
        return got == expected or (math.isnan(got) and math.isnan(expected))
    bits = int(kind[1:])
    return (got - expected) % (1 << bits) == 0


def signed(given, kind):
    given = value(given)
    if kind in ("f32", "f64"):
        return float(given)
    bits = int(kind[1:])
    return (given + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def judge(line):
    sample = json.loads(line)
    task = tasks[sample["task"]]
    signature = task["signature"]
    try:
        module = wasmtime.Module(engine, sample["answer"])
        if module.imports:
            return False
        for call in task.get("examples", []) + task["tests"]:
            store = wasmtime.Store(engine)
            store.set_fuel(FUEL)
            store.set_limits(memory_size=MEMORY)
            function = wasmtime.Instance(store, module, []).exports(store)[signature["name"]]
            args = [signed(arg, kind) for arg, kind in zip(call["args"], signature["params"], strict=True)]
            if not same(function(store, *args), call["result"], signature["result"]):
                return False
    except (wasmtime.WasmtimeError, wasmtime.Trap):
        return False
    return True


if __name__ == "__main__":
    lines = list(open(sys.argv[2], encoding="utf-8"))
    with multiprocessing.Pool(int(sys.argv[3])) as pool:
        begun = time.monotonic()
        passed = sum(pool.imap_unordered(judge, lines, chunksize=50))
        seconds = time.monotonic() - begun
    print(json.dumps({"samples": len(lines), "seconds": seconds, "passed": passed}))
