"""Reads a dataset (spec/dataset.md) and refuses what is none, by file and line.

A dataset is a folder that `cargo zero harvest` made, or a JSONL file whose lines have at least `instruction` and
`output`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_tune.errors import TuneError

SPLITS = ("train", "validation", "test")
# The minor version counts while the major one is 0.
SCHEMA = "0.2."
MAX_LINE = 64 * 1024 * 1024
SHOWN = 5
# Calls of a record that are looked at, and that are kept.
INPUTS = 64
EXAMPLES = 3


@dataclass(frozen=True)
class Call:
    """A call of numbers, and what it gives."""

    args: tuple[int | float, ...]
    result: int | float


@dataclass(frozen=True)
class Record:
    """One pair of an instruction and a module, with what training needs to know about it."""

    id: str
    instruction: str
    output: str
    split: str
    repo: str
    name: str
    signature: str
    examples: tuple[Call, ...] = ()
    """Of functions on numbers alone."""

    @property
    def digest(self) -> str:
        """Of what it is about, in hexadecimal digits."""
        return _digest(self.instruction, self.output)

    @property
    def where(self) -> str:
        """How a person finds it."""
        return f"{self.repo or '?'}:{self.name or self.id}"


@dataclass(frozen=True)
class Dataset:
    """All records, and a digest that names them."""

    records: tuple[Record, ...]
    digest: str

    def split(self, name: str) -> list[Record]:
        """The records of one split."""
        return [record for record in self.records if record.split == name]


def load(path: Path) -> Dataset:
    """Reads all records of a dataset.

    Raises:
        TuneError: there is no dataset, or it does not follow the schema; the first faults are named.

    """
    faults: list[str] = []
    records: list[Record] = []
    seen: dict[str, str] = {}
    digest = hashlib.sha256()
    for place, line in _lines(_files(path)):
        try:
            fields = json.loads(line)
            record = _record(fields)
        except (ValueError, RecursionError) as error:
            faults.append(f"{place}: {error}")
            continue
        if record.id in seen:
            faults.append(f"{place}: its id is that of {seen[record.id]}")
        seen[record.id] = place
        digest.update(line.strip() + b"\n")
        records.append(record)
    if faults:
        more = f"\nand {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise TuneError(
            f"{len(faults)} lines of {path} are no records:\n" + "\n".join(faults[:SHOWN]) + more,
            hint="spec/dataset.md has the schema; `cargo zero harvest SOURCE --out DIR` makes such a dataset",
        )
    if not records:
        raise TuneError(f"{path} holds no records", hint="cargo zero harvest SOURCE --out DIR")
    return Dataset(tuple(records), digest.hexdigest())


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise TuneError(f"there is no {path}", code="not-found", hint="cargo zero harvest SOURCE --out DIR")
    files = sorted((path / "data").glob("*.jsonl")) or sorted(path.glob("*.jsonl"))
    files = [file for file in files if file.name != "rejects.jsonl"]
    if not files:
        raise TuneError(
            f"{path} is no dataset: it has neither data/*.jsonl nor other JSON lines",
            hint="cargo zero harvest SOURCE --out DIR",
        )
    return files


def _lines(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        try:
            with file.open("rb") as stream:
                number = 0
                while line := stream.readline(MAX_LINE):
                    number += 1
                    if line.strip():
                        yield f"{file.name}:{number}", line
        except OSError as error:
            raise TuneError(f"cannot read {file}: {error.strerror}") from error


def _record(fields: Any) -> Record:
    if not isinstance(fields, dict):
        raise ValueError("it is no JSON object")
    version = fields.get("schema_version", SCHEMA)
    if not str(version).startswith(SCHEMA):
        raise ValueError(f"schema_version {version} is not {SCHEMA}x")
    instruction, output = _text(fields, "instruction"), _text(fields, "output")
    if not output.lstrip().startswith("(module"):
        raise ValueError("output is not a module in text: it does not begin with (module")
    provenance = fields.get("provenance", {})
    if not isinstance(provenance, dict):
        raise ValueError("provenance is no object")
    split = _optional(fields, "split") or _split_of(instruction)
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is none of {', '.join(SPLITS)}")
    return Record(
        id=_optional(fields, "id") or _digest(instruction, output)[:32],
        instruction=instruction.strip(),
        output=output.strip() + "\n",
        split=split,
        repo=_optional(provenance, "repo"),
        name=_optional(provenance, "symbol"),
        signature=_optional(fields, "signature_wasm"),
        examples=_calls(fields),
    )


def _calls(fields: dict[str, Any]) -> tuple[Call, ...]:
    """Some of `io_examples` (spec/dataset.md, section 5) if they are calls of numbers; those with new results first."""
    try:
        if any(one["role"] not in ("scalar", "return") for one in fields.get("abi", [])):
            return ()
        calls = [call for one in fields.get("io_examples", [])[:INPUTS] if (call := _call(one))]
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError("abi or io_examples do not follow the schema") from error
    first: dict[int | float, Call] = {}
    for call in calls:
        first.setdefault(call.result, call)
    return tuple(dict.fromkeys([*first.values(), *calls]))[:EXAMPLES]


def _call(one: dict[str, Any]) -> Call | None:
    elsewhere = ("memory", "memory_after", "result_text", "result_bytes")
    if one.get("result") is None or any(one.get(name) for name in elsewhere):
        return None
    args = [_number(arg) for arg in one["args"]]
    result = _number(one["result"])
    if result is None or None in args:
        return None
    return Call(tuple(arg for arg in args if arg is not None), result)


def _number(constant: str) -> int | float | None:
    """The number of `i32.const -1`; `None` for what JSON has no number for."""
    type_, _, text = constant.partition(".const ")
    if type_ in ("i32", "i64"):
        return int(text)
    if "nan" in text or "inf" in text:
        return None
    return float.fromhex(text) if "0x" in text else float(text)


def _digest(instruction: str, output: str) -> str:
    return hashlib.sha256(f"{instruction}\0{output}".encode()).hexdigest()


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is missing, empty or no text")
    return value


def _optional(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _split_of(instruction: str) -> str:
    """For datasets without splits: 90, 5 and 5 %, the same for the same words."""
    words = " ".join(instruction.lower().split())
    number = int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big") % 100
    return "train" if number < 90 else "validation" if number < 95 else "test"
