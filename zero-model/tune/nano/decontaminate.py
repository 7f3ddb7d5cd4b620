"""Keeps the benchmark out of training: what a function computes, and what is said of it, must be none of its tasks.

A function is left out if, with its parameters in any order and whatever the width of its integers, it gives what a task
of WAT-Eval wants on most of the first inputs of that task; if its description shares half of its runs of three words
with a task's prompt; or if it has a task's name. What a task asks for may be a part of a larger function.
"""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nano.expr import BITS, Number, UndefinedError, same, wrapped
from nano.function import Function

INPUTS = 16
SHARED = 0.5
# A task of so many different results is computed by what agrees this often; one of fewer, by what always does.
RESULTS = 4
AGREEING = 0.75


@dataclass(frozen=True)
class Benchmark:
    """The tasks that must not be trained on."""

    tasks: tuple[dict[str, Any], ...]
    runs: tuple[frozenset[tuple[str, ...]], ...]

    @classmethod
    def load(cls, path: Path) -> "Benchmark":
        """Reads a set of tasks (spec/eval.md)."""
        tasks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return cls(tuple(tasks), tuple(runs(task["prompt"]) for task in tasks))

    def holds(self, function: Function) -> str | None:
        """The task that this function or its description is too close to, and how."""
        words = runs(function.prompt)
        seen: dict[tuple[Number, ...], Number | None] = {}
        for task, theirs in zip(self.tasks, self.runs, strict=True):
            if function.name == task["signature"]["name"]:
                return f"{task['id']}: name"
            if words and len(words & theirs) >= SHARED * min(len(words), len(theirs)):
                return f"{task['id']}: words"
            if _computes(function, task, seen):
                return f"{task['id']}: behaviour"
        return None


def runs(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of three words."""
    words = re.findall(r"[a-z0-9^]+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _computes(function: Function, task: dict[str, Any], seen: dict[tuple[Number, ...], Number | None]) -> bool:
    kind = task["signature"]
    if _float(function.result) != _float(kind.get("result")) or len(function.params) != len(kind["params"]):
        return False
    if sorted(map(_float, function.params)) != sorted(map(_float, kind["params"])):
        return False
    calls = (task["examples"] + task["tests"])[:INPUTS]
    if any(isinstance(value, dict) for call in calls for value in [*call["args"], call.get("result")]):
        # It is about buffers; these functions know numbers only.
        return False
    various = len({str(call["result"]) for call in calls}) >= RESULTS
    misses = int(len(calls) * (1 - AGREEING)) if various else 0
    width = min((BITS.get(type_, 64) for type_ in (function.result, kind["result"])), default=64)
    for order in itertools.permutations(range(len(function.params))):
        types = tuple(kind["params"][at] for at in order)
        if list(map(_float, types)) == list(map(_float, function.params)):
            wrong = (call for call in calls if not _gives(function, call, order, width, seen))
            if len(list(itertools.islice(wrong, misses + 1))) <= misses:
                return True
    return False


def _float(type_: str | None) -> bool:
    return type_ == "f64"


def _gives(
    function: Function,
    call: dict[str, Any],
    order: Sequence[int],
    width: int,
    seen: dict[tuple[Number, ...], Number | None],
) -> bool:
    """Whether the results agree, of integers in the bits that both have; `seen` are the results so far."""
    values = tuple(wrapped(type_, call["args"][at]) for at, type_ in zip(order, function.params, strict=True))
    if values not in seen:
        try:
            seen[values] = function.compute(values)
        except UndefinedError:
            seen[values] = None
    result, wanted = seen[values], call["result"]
    if result is None or isinstance(wanted, str):
        return False
    if function.result == "f64":
        return same("f64", result, wanted)
    return (int(result) - int(wanted)) % (1 << width) == 0
