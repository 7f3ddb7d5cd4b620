"""Inputs that tell functions apart: boundaries first, then any."""

import itertools
from random import Random

from nano.expr import Number
from nano.function import Function

_EDGES: dict[str, tuple[Number, ...]] = {
    "i32": (0, 1, 2, 3, 7, 10, -1, 100, 255, 65535, 2147483647, -2147483648, 12345, -77),
    "i64": (0, 1, 2, 3, 7, 10, -1, 100, 255, 4294967296, 9223372036854775807, -9223372036854775808, 12345, -77),
    "f64": (0.0, 1.0, 2.0, 0.5, -1.0, 3.0, 10.0, -2.5, 100.0, 7.25, -33.0, 1000.0),
}


def inputs(function: Function, count: int) -> list[tuple[Number, ...]]:
    """As many different ones, the same for all functions of the same parameters."""
    random = Random(",".join(function.params))  # noqa: S311 - no secret
    found: dict[tuple[Number, ...], None] = {}
    for number in itertools.count():
        edge = number < count // 2
        values = tuple(
            random.choice(_EDGES[type_]) if edge or random.random() < 0.2 else _any(random, type_)
            for type_ in function.params
        )
        found.setdefault(values)
        if len(found) >= count or number > 20 * count:
            return list(found)
    raise AssertionError("unreachable")


def _any(random: Random, type_: str) -> Number:
    if type_ == "f64":
        return random.randrange(-8000, 8000) / 16
    bits = random.randrange(1, 32 if type_ == "i32" else 64)
    return random.randrange(-(1 << bits), 1 << bits)
