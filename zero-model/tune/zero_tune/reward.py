"""What an answer is worth, by running it: `cargo zero eval` judges, this turns verdicts into numbers.

Training sees each task's tests only through the verdict. A model could still learn to please the examples alone: a
constant, a table of the examples, an empty function. So nothing is given for a test that passes: an answer is worth 1
if it passes *all* of the task's hidden tests, and what it gets for less stays below what any honest attempt is worth:

| verdict | reward |
|---|--:|
| `unparsed` | 0 |
| `invalid`, `imports` | 0.05 |
| `signature` | 0.1 |
| `trapped`, `limit`, `wrong` | 0.2 |
| `passed` | 1, less up to 0.1 for length |

Length counts only among answers that pass: a shorter wrong answer is no better than a longer one.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_tune.errors import TuneError

WORTH = {
    "unparsed": 0.0,
    "invalid": 0.05,
    "imports": 0.05,
    "signature": 0.1,
    "trapped": 0.2,
    "limit": 0.2,
    "wrong": 0.2,
}
PASSED = 1.0
# What all of the length can cost, and the bytes that cost half of it.
LENGTH = 0.1
HALF = 1024
# An answer may run for seconds before its fuel is spent.
SECONDS = 600


@dataclass(frozen=True)
class Verdict:
    """How an answer ended: the judge's word for it."""

    name: str

    def reward(self, answer: str) -> float:
        """What it is worth.

        Raises:
            TuneError: the judge has a word that this table lacks.

        """
        if self.name == "passed":
            size = len(answer.encode())
            return PASSED - LENGTH * size / (size + HALF)
        if self.name not in WORTH:
            raise TuneError(f"the judge says {self.name!r}, which has no worth here")
        return WORTH[self.name]


class Judge:
    """Asks `cargo zero eval` about many answers at once."""

    def __init__(self, program: str, tasks: Path) -> None:
        self._program = program
        self._tasks = tasks

    def verdicts(self, answers: Sequence[tuple[str, str]]) -> list[Verdict]:
        """The verdict of each pair of a task's name and an answer, in their order.

        Raises:
            TuneError: the judge cannot be started or does not judge.

        """
        with tempfile.TemporaryDirectory() as folder:
            samples, out = Path(folder) / "samples.jsonl", Path(folder) / "out"
            lines = (json.dumps({"task": task, "answer": answer}) + "\n" for task, answer in answers)
            samples.write_text("".join(lines), encoding="utf-8")
            self._judge(samples, out)
            found = _verdicts(out / "samples.jsonl")
        return _in_order(answers, found)

    def _judge(self, samples: Path, out: Path) -> None:
        command = [self._program, "eval", "--json", "--tasks", str(self._tasks), "--samples", str(samples)]
        try:
            done = subprocess.run(
                [*command, "--out", str(out)], capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TuneError(f"cannot judge answers with {self._program}: {error}") from error
        if done.returncode != 0:
            raise TuneError(f"the judge failed: {(done.stdout or done.stderr).strip()}")


def _verdicts(path: Path) -> dict[tuple[str, str], str]:
    found = {}
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            fields: dict[str, Any] = json.loads(line)
            found[fields["task"], fields["answer"]] = str(fields["verdict"])
    return found


def _in_order(answers: Sequence[tuple[str, str]], found: dict[tuple[str, str], str]) -> list[Verdict]:
    missing = [task for task, answer in answers if (task, answer) not in found]
    if missing:
        raise TuneError(f"the judge left out an answer to {missing[0]}")
    return [Verdict(found[pair]) for pair in answers]
