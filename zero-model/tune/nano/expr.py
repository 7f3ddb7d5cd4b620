"""Expressions of WebAssembly's number types: what they compute, and the instructions that compute it.

Operators have the names of their instructions, without the type. An expression becomes Python text (`source`), which is
compiled once and run often, and instructions (`code`); the sandbox runs one against the other.
"""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

BITS = {"i32": 32, "i64": 64}
Number = int | float

COMPARISONS = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
FLOAT_COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")


class UndefinedError(Exception):
    """The function traps or is nowhere near what a test can compare."""


@dataclass(frozen=True)
class Const:
    """A number."""

    type: str
    value: Number


@dataclass(frozen=True)
class Var:
    """A parameter or variable, by its place."""

    type: str
    at: int


@dataclass(frozen=True)
class Unary:
    """An operator of one operand: a count of bits, a root, `eqz`, or a conversion by its whole name."""

    type: str
    op: str
    of: "Expr"


@dataclass(frozen=True)
class Binary:
    """An operator of two operands of one type; comparisons give `i32`."""

    type: str
    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True)
class If:
    """One of two values. Both are computed, so neither may trap."""

    type: str
    condition: "Expr"
    yes: "Expr"
    no: "Expr"


@dataclass(frozen=True)
class Let:
    """A value that is kept in a variable and used more than once."""

    type: str
    at: int
    value: "Expr"
    body: "Expr"


Expr = Const | Var | Unary | Binary | If | Let


def wrapped(type_: str, value: Number) -> Number:
    """The number as WebAssembly keeps it: integers signed."""
    if type_ == "f64":
        return float(value)
    bits = BITS[type_]
    value = int(value) & ((1 << bits) - 1)
    return value - (1 << bits) if value >> (bits - 1) else value


def unsigned(type_: str, value: Number) -> int:
    """The same bits, unsigned."""
    return int(value) & ((1 << BITS[type_]) - 1)


def instruction(expr: Unary | Binary) -> str:
    """The operator's instruction, which is named after the type of what it takes."""
    if isinstance(expr, Unary):
        return expr.op if "." in expr.op else f"{expr.of.type}.{expr.op}"
    return f"{expr.left.type}.{expr.op}"


def code(expr: Expr) -> list[str]:
    """The instructions, one after the other on the stack."""
    match expr:
        case Const(type_, value):
            return [f"{type_}.const {number(type_, value)}"]
        case Var(_, at):
            return [f"local.get {at}"]
        case Unary(_, _, of):
            return [*code(of), instruction(expr)]
        case If(_, condition, yes, no):
            return [*code(yes), *code(no), *code(condition), "select"]
        case Let(_, at, value, body):
            return [*code(value), f"local.set {at}", *code(body)]
        case Binary(_, _, left, right):
            return [*code(left), *code(right), instruction(expr)]


def source(expr: Expr) -> str:
    """The same as Python text over the names of `NAMES` and `v0`, `v1`, …."""
    match expr:
        case Const(type_, value):
            return repr(wrapped(type_, value))
        case Var(_, at):
            return f"v{at}"
        case Unary(_, _, of):
            return f"{instruction(expr).replace('.', '_')}({source(of)})"
        case If(_, condition, yes, no):
            return f"({source(yes)} if {source(condition)} else {source(no)})"
        case Let(_, at, value, body):
            return f"((v{at} := {source(value)}), {source(body)})[1]"
        case Binary(_, _, left, right):
            return f"{instruction(expr).replace('.', '_')}({source(left)}, {source(right)})"


def compute(expr: Expr, values: Sequence[Number]) -> Number:
    """What the expression gives.

    Raises:
        UndefinedError: it traps, or gives a float that is not a number.

    """
    names = dict(NAMES) | {f"v{at}": value for at, value in enumerate(values)}
    result: Number = eval(source(expr), names)  # noqa: S307 - text of this module's own
    return result


def number(type_: str, value: Number) -> str:
    """A constant, as it is written: floats without an exponent where they are short."""
    if type_ != "f64":
        return str(int(wrapped(type_, value)))
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def same(type_: str, left: Number, right: Number) -> bool:
    """Whether two results have the same bits; the sign of a zero counts."""
    if type_ == "f64":
        return struct.pack("<d", left) == struct.pack("<d", right)
    return left == right


def _integers(type_: str) -> dict[str, Callable[..., int]]:
    """All operators on integers of that size, which come and go as signed numbers."""
    bits = BITS[type_]
    most, half = (1 << bits) - 1, 1 << (bits - 1)

    def wrap(value: int) -> int:
        return ((value + half) & most) - half

    def div_s(a: int, b: int) -> int:
        if b == 0 or (a == -half and b == -1):
            raise UndefinedError
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)

    def rem_s(a: int, b: int) -> int:
        if b == 0:
            raise UndefinedError
        return abs(a) % abs(b) * (-1 if a < 0 else 1)

    def div_u(a: int, b: int) -> int:
        if b == 0:
            raise UndefinedError
        return wrap((a & most) // (b & most))

    def rem_u(a: int, b: int) -> int:
        if b == 0:
            raise UndefinedError
        return wrap((a & most) % (b & most))

    def rotl(a: int, b: int) -> int:
        return wrap((a & most) << b % bits | (a & most) >> (bits - b % bits))

    table: dict[str, Callable[..., int]] = {
        "add": lambda a, b: wrap(a + b), "sub": lambda a, b: wrap(a - b), "mul": lambda a, b: wrap(a * b),
        "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
        "shl": lambda a, b: wrap(a << b % bits), "shr_s": lambda a, b: a >> b % bits,
        "shr_u": lambda a, b: wrap((a & most) >> b % bits),
        "rotl": rotl, "rotr": lambda a, b: rotl(a, -b),
        "div_s": div_s, "rem_s": rem_s, "div_u": div_u, "rem_u": rem_u,
        "eq": lambda a, b: int(a == b), "ne": lambda a, b: int(a != b),
        "lt_s": lambda a, b: int(a < b), "gt_s": lambda a, b: int(a > b),
        "le_s": lambda a, b: int(a <= b), "ge_s": lambda a, b: int(a >= b),
        "lt_u": lambda a, b: int(a & most < b & most), "gt_u": lambda a, b: int(a & most > b & most),
        "le_u": lambda a, b: int(a & most <= b & most), "ge_u": lambda a, b: int(a & most >= b & most),
        "eqz": lambda a: int(a == 0),
        "clz": lambda a: bits - (a & most).bit_length(),
        "ctz": lambda a: (a & -a).bit_length() - 1 if a else bits,
        "popcnt": lambda a: (a & most).bit_count(),
    }  # fmt: skip
    return {f"{type_}_{op}": function for op, function in table.items()}


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise UndefinedError
    return value


def _floats() -> dict[str, Callable[..., Number]]:
    def div(a: float, b: float) -> float:
        if b == 0:
            raise UndefinedError
        return _finite(a / b)

    def sqrt(a: float) -> float:
        if a < 0:
            raise UndefinedError
        return math.sqrt(a)

    table: dict[str, Callable[..., Number]] = {
        "add": lambda a, b: _finite(a + b), "sub": lambda a, b: _finite(a - b), "mul": lambda a, b: _finite(a * b),
        "div": div, "min": min, "max": max, "sqrt": sqrt, "abs": abs, "neg": lambda a: -a,
        "floor": lambda a: float(math.floor(a)), "ceil": lambda a: float(math.ceil(a)),
        "trunc": lambda a: float(math.trunc(a)),
        "eq": lambda a, b: int(a == b), "ne": lambda a, b: int(a != b), "lt": lambda a, b: int(a < b),
        "gt": lambda a, b: int(a > b), "le": lambda a, b: int(a <= b), "ge": lambda a, b: int(a >= b),
    }  # fmt: skip
    return {f"f64_{op}": function for op, function in table.items()}


NAMES: dict[str, Any] = {
    **_integers("i32"),
    **_integers("i64"),
    **_floats(),
    "i32_wrap_i64": lambda a: int(wrapped("i32", a)),
    "i64_extend_i32_u": lambda a: unsigned("i32", a),
    "i64_extend_i32_s": lambda a: a,
    "f64_convert_i32_s": float,
    "f64_convert_i32_u": lambda a: float(unsigned("i32", a)),
    "UndefinedError": UndefinedError,
}
"""What the text of `source` may call."""
