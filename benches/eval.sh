#!/usr/bin/env bash
# How fast answers of models are judged: `cargo zero eval` against a script that does the same with the wasmtime package
# of Python. Both parse and validate each answer and run all calls of its task, each in a fresh instance under a limit of
# work; both have two processors. The answers are the references of WAT-Eval, many times over, each a text of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 - "$work" <<'PY'
import json, sys
work = sys.argv[1]
tasks = [json.loads(line) for line in open("zero-model/wat-eval/tasks.jsonl", encoding="utf-8")]
for name, kept in [("all", tasks), ("scalar", [task for task in tasks if task["tier"] == "scalar"])]:
    with open(f"{work}/{name}-tasks.jsonl", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(task) + "\n" for task in kept)
    with open(f"{work}/{name}.jsonl", "w", encoding="utf-8") as out:
        for number in range(100):
            for task in kept:
                out.write(json.dumps({"task": task["id"], "answer": f"{task['reference']}\n;; {number}"}) + "\n")
PY

judge() { cargo-zero --json eval --jobs 2 -k 1 --tasks "$work/$1-tasks.jsonl" --samples "$work/$1.jsonl"; }
judge scalar >"$work/zero.json"
PYTHONPATH=$ZERO_BENCH_WASMTIME_PY python3 benches/judge_wasmtime.py "$work/scalar-tasks.jsonl" "$work/scalar.jsonl" 2 >"$work/wasmtime-py.json"
judge all >"$work/all.json"
python3 benches/table.py eval "$work"
