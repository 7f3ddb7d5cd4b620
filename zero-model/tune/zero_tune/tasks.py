"""Tasks to learn from by reward, in the format of spec/eval.md."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_tune import question
from zero_tune.errors import TuneError


@dataclass(frozen=True)
class Task:
    """What a model is shown of a task."""

    id: str
    request: str


def load(path: Path) -> list[Task]:
    """Reads a set of tasks.

    Raises:
        TuneError: there is none, or a line is no task.

    """
    tasks = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TuneError(f"cannot read {path}: {error.strerror}", code="not-found") from error
    except ValueError as error:
        raise TuneError(f"{path} is no text: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            tasks.append(_task(json.loads(line), f"line-{number}"))
        except (ValueError, KeyError, TypeError) as error:
            raise TuneError(
                f"line {number} of {path} is no task: {error}", hint="spec/eval.md has the format"
            ) from error
    if not tasks:
        raise TuneError(f"{path} holds no tasks")
    return tasks


def prepare(path: Path, batch: int, generations: int) -> list[Task]:
    """Reads the tasks of a run, and checks what needs no base.

    Raises:
        TuneError: they are none, or of the benchmark, or their answers do not fill batches.

    """
    found = load(path)
    refuse_benchmark(found, path)
    if generations < 2 or batch % generations:
        raise TuneError(
            f"--batch {batch} is no multiple of --generations {generations}, of which 2 are the least",
            code="usage",
            hint=f"--batch {max(2, generations)}",
        )
    return found


def _task(fields: Any, otherwise: str) -> Task:
    if not isinstance(fields, dict):
        raise TypeError("it is no object")
    name, prompt, signature = fields.get("id", otherwise), fields["prompt"], fields["signature"]
    if not isinstance(name, str) or not isinstance(prompt, str):
        raise TypeError("id or prompt is no text")
    function, params, result = _signature(signature)
    type_ = f"({', '.join(params)}) -> {result}"
    return Task(name, question.of_task(prompt.strip(), function, type_, fields.get("examples", [])))


def _signature(signature: Any) -> tuple[str, list[str], str]:
    """Name, parameters and result of `{"name":…}` or of `gcd(i32, i32) -> i32`."""
    if not isinstance(signature, str):
        return signature["name"], signature["params"], signature["result"]
    written = re.fullmatch(r"\s*(\S+?)\s*\(([^()]*)\)\s*->\s*(\w+)\s*", signature)
    if written is None:
        raise ValueError("the signature is not as gcd(i32, i32) -> i32")
    name, params, result = written.groups()
    return name, [one.strip() for one in params.split(",") if one.strip()], result


def refuse_benchmark(tasks: list[Task], path: Path) -> None:
    """Training on the benchmark would measure nothing.

    Raises:
        TuneError: a task has the name of one of WAT-Eval's.

    """
    tiers = ("scalar/", "memory/", "alloc/")
    found = [task.id for task in tasks if task.id.startswith(tiers)]
    if found:
        raise TuneError(
            f"{path} holds tasks of WAT-Eval ({found[0]} and {len(found) - 1} more): what learns from them cannot be "
            "measured with them",
            hint="--tasks with tasks of your own",
        )
