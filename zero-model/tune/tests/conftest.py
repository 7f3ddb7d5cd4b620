"""What the tests share: harvested records, and events kept in memory."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from zero_tune import records
from zero_tune.events import Events
from zero_tune.records import Record

HERE = Path(__file__).parent
RECORDS = HERE / "data" / "records.jsonl"


class Heard(Events):
    """Events that a test can read."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        super().__init__(self.stream)

    @property
    def all(self) -> list[dict[str, Any]]:
        """What was said."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def harvested() -> list[Record]:
    return list(records.load(RECORDS).records)


def line(instruction: str, output: str = "(module)", **fields: Any) -> dict[str, Any]:
    """A record in its plain form, and more."""
    return {"instruction": instruction, "output": output, **fields}


def dataset(path: Path, lines: list[dict[str, Any]]) -> Path:
    """Writes one."""
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return path
