"""`python -m nano.generate`: makes the dataset and the tasks for `zero-nano`, each answer verified by execution.

Writes `records.jsonl` (to train on), `tasks.jsonl` (the training functions as tasks, for learning by reward),
`held-out.jsonl` (tasks whose functions compute what no training function computes) and `report.json`.
"""

import argparse
import collections
import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

from nano import cases, formulas, loops, parts, straight
from nano.decontaminate import Benchmark
from nano.expr import UndefinedError
from nano.function import Function
from nano.inputs import inputs
from zero_tune.reward import Judge

TESTS = 24
EXAMPLES = 3
PHRASINGS = 3
LONGEST = 72
WORDIEST = 60
FAMILIES = (straight.FAMILIES, loops.FAMILIES, cases.FAMILIES, parts.FAMILIES, formulas.FAMILIES)
HELD_OUT = 60
"""One behaviour in so many is held out."""


def main() -> None:
    """Draws until there are enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20000, help="functions to train on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--benchmark", type=Path, required=True, help="tasks that must not be trained on")
    parser.add_argument("--judge", required=True, help="the cargo-zero program, which executes every answer")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    drawn = draw(args.count, args.seed, Benchmark.load(args.benchmark))
    found, wrong = verified(drawn.functions, args.judge, args.out)
    save(found, args.out)
    report = {
        "drawn": drawn.count,
        "left_out": dict(sorted(drawn.left_out.items())),
        "contaminated": drawn.contaminated,
        "verified": len(found),
        "failed_verification": wrong,
        "families": dict(sorted(collections.Counter(one.family for one, _ in found).items())),
    }
    (args.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report))  # noqa: T201 - a command


class Drawn:
    """The functions so far, and what was left out on the way."""

    def __init__(self) -> None:
        self.functions: list[tuple[Function, list[dict[str, Any]]]] = []
        self.left_out: collections.Counter[str] = collections.Counter()
        self.contaminated: dict[str, int] = {}
        self.count = 0


def draw(count: int, seed: int, benchmark: Benchmark) -> Drawn:
    """Draws functions from all families in turn."""
    random = Random(seed)  # noqa: S311 - no secret
    drawn = Drawn()
    behaviours: collections.Counter[str] = collections.Counter()
    prompts: set[str] = set()
    while len(drawn.functions) < count:
        drawn.count += 1
        families = random.choice(FAMILIES)
        function = random.choice(families)(random)
        calls = tests(function)
        reason = _unfit(function, calls, prompts)
        behaviour = _behaviour(function, calls)
        if reason is None and behaviours[behaviour] >= PHRASINGS:
            reason = "computes what others do"
        if reason is None and (task := benchmark.holds(function)):
            drawn.contaminated[task] = drawn.contaminated.get(task, 0) + 1
            reason = "benchmark"
        if reason:
            drawn.left_out[reason] += 1
            continue
        behaviours[behaviour] += 1
        prompts.add(function.prompt)
        drawn.functions.append((function, calls))
    return drawn


def tests(function: Function) -> list[dict[str, Any]]:
    """Calls with the results that Python computes."""
    calls = []
    for values in inputs(function, TESTS + EXAMPLES):
        try:
            calls.append({"args": list(values), "result": function.compute(values)})
        except UndefinedError:
            continue
    return calls


def _unfit(function: Function, calls: list[dict[str, Any]], prompts: set[str]) -> str | None:
    results = {str(call["result"]) for call in calls}
    if len(calls) < TESTS // 2 + EXAMPLES:
        return "undefined for most inputs"
    if len(results) < 2:
        return "constant"
    if any(f"local.get {at}" not in function.body for at in range(len(function.params))):
        return "uses not all parameters"
    if len(function.body) > LONGEST or len(function.prompt.split()) > WORDIEST:
        return "long"
    if function.prompt in prompts:
        return "said before"
    return None


def _behaviour(function: Function, calls: list[dict[str, Any]]) -> str:
    text = json.dumps([function.params, function.result, [[call["args"], call["result"]] for call in calls]])
    return hashlib.sha256(text.encode()).hexdigest()


def verified(
    functions: list[tuple[Function, list[dict[str, Any]]]], judge: str, out: Path
) -> tuple[list[tuple[Function, list[dict[str, Any]]]], int]:
    """Those whose answers pass all tests when they are run."""
    path = out / "all.jsonl"
    named = [(f"nano/{number}", function, calls) for number, (function, calls) in enumerate(functions)]
    lines = [json.dumps(_task(name, function, calls)) + "\n" for name, function, calls in named]
    path.write_text("".join(lines), encoding="utf-8")
    with Judge(judge, path) as judging:
        results = judging.results([(name, function.answer) for name, function, _ in named])
    path.unlink()
    kept = [pair for pair, result in zip(functions, results, strict=True) if result.verdict == "passed"]
    return kept, len(functions) - len(kept)


def _task(name: str, function: Function, calls: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": name,
        "tier": "scalar",
        "prompt": function.prompt,
        "signature": {"name": function.name, "params": function.params, "result": function.result},
        "examples": calls[:EXAMPLES],
        "tests": calls[EXAMPLES:],
        "reference": function.answer,
    }


def save(found: list[tuple[Function, list[dict[str, Any]]]], out: Path) -> None:
    """Writes records and tasks; all functions of one behaviour are on one side."""
    with (
        (out / "records.jsonl").open("w", encoding="utf-8") as records,
        (out / "tasks.jsonl").open("w", encoding="utf-8") as train,
        (out / "held-out.jsonl").open("w", encoding="utf-8") as held_out,
    ):
        for number, (function, calls) in enumerate(found):
            behaviour = int(_behaviour(function, calls)[:8], 16)
            task = json.dumps(_task(f"nano/{number}", function, calls)) + "\n"
            if behaviour % HELD_OUT == 0:
                held_out.write(task)
                continue
            train.write(task)
            split = "validation" if behaviour % HELD_OUT == 1 else "train"
            records.write(json.dumps(_record(function, calls, split)) + "\n")


def _record(function: Function, calls: list[dict[str, Any]], split: str) -> dict[str, Any]:
    return {
        "instruction": function.prompt,
        "output": function.answer,
        "signature_wasm": function.signature,
        "provenance": {"symbol": function.name},
        "io_examples": [_io_example(function, call) for call in calls[:EXAMPLES]],
        "split": split,
    }


def _io_example(function: Function, call: dict[str, Any]) -> dict[str, Any]:
    """As datasets write it."""
    args = [f"{type_}.const {value}" for type_, value in zip(function.params, call["args"], strict=True)]
    return {"args": args, "result": f"{function.result}.const {call['result']}"}


if __name__ == "__main__":
    main()
