"""The run card: everything that it takes to repeat a run or to judge it, as JSON and as Markdown."""

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from zero_tune import __version__
from zero_tune.folder import write

PACKAGES = (
    "torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors", "bitsandbytes",
    "gguf",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The versions of everything that computes."""
    found = {"zero-tune": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def digest(folder: Path, pattern: str) -> str:
    """One SHA-256 over the names and contents of the files that match."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        with path.open("rb") as stream:
            whole.update(f"{path.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def save(folder: Path, card: dict[str, Any], picture: str = "loss.svg") -> None:
    """Writes `card.json` and `card.md`."""
    write(folder / "card.json", json.dumps(card, indent=1, sort_keys=True) + "\n")
    write(folder / "card.md", markdown(card, picture))


def markdown(card: dict[str, Any], picture: str) -> str:
    """One table for each part of the card."""
    lines = ["# Run card", "", f"![curve]({picture})", ""]
    for part, fields in card.items():
        lines += [f"## {part.capitalize()}", ""]
        if isinstance(fields, dict):
            lines += ["| | |", "|---|---|"]
            lines += [f"| {name} | {_cell(value)} |" for name, value in fields.items()]
        else:
            lines += [f"- {_cell(value)}" for value in fields] or ["none"]
        lines.append("")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
