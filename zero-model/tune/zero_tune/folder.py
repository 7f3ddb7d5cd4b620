"""The folder of a run: what it holds, and how an interrupted run goes on.

A checkpoint counts once its list of files is there, which is written last and holds the size of each; whatever a kill
left half-written is removed. A run that goes on must be the same run: `run.json` says which one it is.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from zero_tune.errors import TuneError

RUN = "run.json"
LIST = "complete.json"


class RunFolder:
    """`--out` of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.adapter = path / "adapter"
        self.model = path / "model"

    def check(self, run: dict[str, Any], *, resume: bool) -> None:
        """Whether this run may begin or go on here; writes nothing.

        Raises:
            TuneError: the folder holds another run, or something that is no run.

        """
        if not _first():
            # The first process speaks for all: they see the same folder, which it may have changed by now.
            return
        there = self._read()
        if there is None and self.path.exists() and any(self.path.iterdir()):
            raise TuneError(f"{self.path} is not empty", hint="--out with a new folder")
        if there is not None and not resume:
            raise TuneError(
                f"{self.path} holds a run already", hint="--resume goes on with it; another --out starts a new one"
            )
        if there is not None and there != run:
            changed = sorted(key for key in run | there if run.get(key) != there.get(key))
            raise TuneError(
                f"{self.path} holds a run with other settings: {', '.join(changed)}",
                hint="use the same options, or another --out",
            )

    def start(self, run: dict[str, Any], *, resume: bool) -> Path | None:
        """Makes the folder for a new run, or finds the checkpoint from which this run goes on.

        Raises:
            TuneError: as `check`, which came first; but the folder may be another run's by now.

        """
        self.check(run, resume=resume)
        if not _first():
            return self._last() if resume else None
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        if not (self.path / RUN).exists():
            write(self.path / RUN, json.dumps(run, indent=1, sort_keys=True) + "\n")
        return self._last()

    def _read(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TuneError(f"cannot read {self.path / RUN}: {error}") from error
        return found

    def _last(self) -> Path | None:
        """The newest complete checkpoint."""
        found = []
        for path in self.checkpoints.glob("checkpoint-*"):
            number = path.name.rpartition("-")[2]
            if number.isdigit() and _complete(path):
                found.append((int(number), path))
        return max(found)[1] if found else None

    def remove_partial(self) -> None:
        """Removes what a kill left of a checkpoint. Other processes than the first would trip over each other."""
        if not _first():
            return
        for path in self.checkpoints.glob("checkpoint-*"):
            if not _complete(path):
                shutil.rmtree(path)


def _first() -> bool:
    return os.environ.get("RANK", "0") == "0"


def seal(checkpoint: Path) -> None:
    """Says that a checkpoint is complete, once its files are on the disk."""
    sizes = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file() and path.name != LIST:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            sizes[str(path.relative_to(checkpoint))] = path.stat().st_size
    write(checkpoint / LIST, json.dumps(sizes, indent=1) + "\n")


def _complete(checkpoint: Path) -> bool:
    try:
        sizes = json.loads((checkpoint / LIST).read_text(encoding="utf-8"))
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def write(path: Path, text: str) -> None:
    """Writes a file that is there whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
