"""Finds what validation or test would measure though training has seen it.

Two records leak if their repositories are the same or if they are near duplicates: of the words of their instruction
and body, in runs of four, at least 70 % are common. Candidates are found with one-permutation MinHash, and each is
compared in full, so that no pair is reported by chance.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from zero_tune.records import Record

RUN = 4
SIMILAR = 0.7
BINS = 32
ROWS = 2
_WORD = re.compile(r"[\w.$=-]+")
# The frame of a module says nothing about what it does.
_FRAME = re.compile(r"^\((module|type|memory|global|export|table)\b")


@dataclass(frozen=True)
class Leak:
    """A training record, what it gives away, and how."""

    train: Record
    held_out: Record
    why: str


def find(train: list[Record], held_out: list[Record]) -> list[Leak]:
    """Every training record that leaks into the held-out ones, once each, in the order of training."""
    repositories = {record.repo: record for record in reversed(held_out) if record.repo}
    similar = _similar(train, held_out)
    leaks = []
    for record in train:
        if other := repositories.get(record.repo):
            leaks.append(Leak(record, other, "same repository"))
        elif record.id in similar:
            other, share = similar[record.id]
            leaks.append(Leak(record, other, f"{share:.0%} the same text"))
    return leaks


def shingles(record: Record) -> frozenset[bytes]:
    """Digests of all runs of words in the instruction and the body."""
    body = [line for line in record.output.splitlines() if not _FRAME.match(line.strip())]
    words = _WORD.findall(record.instruction.lower()) + _WORD.findall("\n".join(body))
    runs = (" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1)))
    return frozenset(blake2b(run.encode(), digest_size=8).digest() for run in runs)


def _similar(train: list[Record], held_out: list[Record]) -> dict[str, tuple[Record, float]]:
    index: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    sets = [shingles(record) for record in held_out]
    for number, runs in enumerate(sets):
        for key in _bands(runs):
            index[key].append(number)
    found = {}
    for record in train:
        runs = shingles(record)
        candidates = {number for key in _bands(runs) for number in index.get(key, ())}
        best = max(((_jaccard(runs, sets[number]), -number) for number in candidates), default=(0.0, 0))
        if best[0] >= SIMILAR:
            found[record.id] = (held_out[-best[1]], best[0])
    return found


def _bands(runs: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """The smallest digest of each bin, two bins to a band; a band with an empty bin stands for nothing."""
    least: list[bytes] = [b""] * BINS
    for run in runs:
        at = run[0] % BINS
        if not least[at] or run < least[at]:
            least[at] = run
    bands = []
    for at in range(0, BINS, ROWS):
        rows = least[at : at + ROWS]
        if any(rows):
            bands.append((at, b"".join(rows)))
    return bands


def _jaccard(left: frozenset[bytes], right: frozenset[bytes]) -> float:
    return len(left & right) / len(left | right)
