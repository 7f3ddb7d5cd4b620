"""What answers are worth, by running them: `cargo zero eval serve` judges (spec/eval.md, "Rewards").

Training sees each task's tests only through the reward, and nothing is given for single tests that pass: a model could
otherwise learn to please the examples alone, with a constant, a table of them, or an empty function.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from zero_tune.errors import TuneError

# Answers of a line: far fewer bytes than the judge takes at once.
BATCH = 1000


@dataclass(frozen=True)
class Result:
    """How an answer ended."""

    verdict: str
    reward: float
    """What that is worth, from 0 to 1."""


class Judge:
    """The program, which judges a batch a line until its input ends. Each batch of work is bounded by the judge."""

    def __init__(self, program: str, tasks: Path) -> None:
        """Starts it.

        Raises:
            TuneError: it cannot be started.

        """
        command = [program, "eval", "serve", "--tasks", str(tasks)]
        try:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise TuneError(f"cannot judge answers with {program}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._child.kill()
        self._child.communicate()

    def results(self, answers: Sequence[tuple[str, str]]) -> list[Result]:
        """How each pair of a task's name and an answer ended, in their order.

        Raises:
            TuneError: the judge does not judge.

        """
        batches = (answers[start : start + BATCH] for start in range(0, len(answers), BATCH))
        return [result for batch in batches for result in self._batch(batch)]

    def _batch(self, answers: Sequence[tuple[str, str]]) -> list[Result]:
        batch = {"samples": [{"task": task, "answer": answer} for task, answer in answers]}
        found = self._ask(json.dumps(batch))
        results = found.get("results")
        if not isinstance(results, list) or len(results) != len(answers):
            raise TuneError(f"the judge failed: {found.get('error', found)}")
        return [Result(str(one["verdict"]), float(one["reward"])) for one in results]

    def _ask(self, line: str) -> dict[str, Any]:
        stdin, stdout = _pipe(self._child.stdin), _pipe(self._child.stdout)
        try:
            stdin.write(line + "\n")
            stdin.flush()
            answer = stdout.readline()
            found = json.loads(answer)
        except (OSError, ValueError) as error:
            raise TuneError(f"the judge failed: {error}") from error
        if not isinstance(found, dict):
            raise TuneError(f"the judge failed: it says {answer.strip()}")
        return found


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise TuneError("the judge has no pipes")
    return pipe
