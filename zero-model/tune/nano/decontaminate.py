"""Keeps the benchmark out of training: what a function computes, and what is said of it, must be none of its tasks.

A function is left out if, with its parameters in any order, it gives what a task of WAT-Eval wants on all of the first
inputs of that task; or if its description shares half of its runs of three words with a task's prompt.
"""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nano.expr import Number, UndefinedError, same
from nano.function import Function

INPUTS = 16
SHARED = 0.5


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
        for task, theirs in zip(self.tasks, self.runs, strict=True):
            if words and len(words & theirs) >= SHARED * min(len(words), len(theirs)):
                return f"{task['id']}: words"
            if _computes(function, task):
                return f"{task['id']}: behaviour"
        return None


def runs(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of three words."""
    words = re.findall(r"[a-z0-9^]+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _computes(function: Function, task: dict[str, Any]) -> bool:
    kind = task["signature"]
    if function.result != kind.get("result") or sorted(function.params) != sorted(kind["params"]):
        return False
    calls = (task["examples"] + task["tests"])[:INPUTS]
    if any(isinstance(value, dict) for call in calls for value in [*call["args"], call.get("result")]):
        # It is about buffers; these functions know numbers only.
        return False
    for order in itertools.permutations(range(len(function.params))):
        types = tuple(kind["params"][at] for at in order)
        if types == function.params and all(_gives(function, call, order) for call in calls):
            return True
    return False


def _gives(function: Function, call: dict[str, Any], order: Sequence[int]) -> bool:
    values: list[Number] = [call["args"][at] for at in order]
    if function.result == "f64":
        values = [
            float(value) if type_ == "f64" else value for value, type_ in zip(values, function.params, strict=True)
        ]
    try:
        return same(function.result, function.compute(values), call["result"])
    except UndefinedError:
        return False
