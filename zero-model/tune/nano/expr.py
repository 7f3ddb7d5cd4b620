"""Expressions of WebAssembly's number types: what they compute, and the instructions that compute it."""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BITS = {"i32": 32, "i64": 64}
Number = int | float

# operator: (takes and gives, whether the second operand must not be 0)
ARITHMETIC = ("add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "shr_s", "rotl", "rotr")
DIVISIONS = ("div_u", "rem_u", "div_s", "rem_s")
COMPARISONS = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
COUNTS = ("clz", "ctz", "popcnt")
FLOATS = ("add", "sub", "mul", "div", "min", "max")
FLOAT_COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")
ROOTS = ("sqrt", "abs", "neg", "floor", "ceil", "trunc")


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
    """An operator of one operand: a count of bits, a root, `eqz`, or a conversion."""

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


Expr = Const | Var | Unary | Binary | If


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


def compute(expr: Expr, values: Sequence[Number]) -> Number:
    """What the expression gives.

    Raises:
        UndefinedError: it traps, or gives a float that is not a number.

    """
    match expr:
        case Const(type_, value):
            return wrapped(type_, value)
        case Var(_, at):
            return values[at]
        case Unary(type_, op, of):
            return wrapped(type_, _unary(op, of.type, compute(of, values)))
        case If(_, condition, yes, no):
            return compute(yes if compute(condition, values) else no, values)
        case Binary(type_, op, left, right):
            pair = compute(left, values), compute(right, values)
            result = _floats(op, *pair) if left.type == "f64" else _integers(op, left.type, *pair)
            return wrapped(type_, result)


def _unary(op: str, type_: str, value: Number) -> Number:
    if type_ == "f64":
        if op == "sqrt" and value < 0:
            raise UndefinedError
        functions: dict[str, Callable[[float], float]] = {
            "sqrt": math.sqrt, "abs": abs, "neg": lambda x: -x, "floor": math.floor, "ceil": math.ceil,
            "trunc": math.trunc,
        }  # fmt: skip
        return float(functions[op](float(value)))
    bits, raw = BITS[type_], unsigned(type_, value)
    if op == "clz":
        return bits - raw.bit_length()
    if op == "ctz":
        return (raw & -raw).bit_length() - 1 if raw else bits
    if op == "popcnt":
        return raw.bit_count()
    if op == "eqz":
        return int(raw == 0)
    return {"i32.wrap_i64": raw, "i64.extend_i32_u": raw, "i64.extend_i32_s": value, "f64.convert_i32_s": value}[op]


def _integers(op: str, type_: str, left: Number, right: Number) -> int:
    a, b, bits = int(left), int(right), BITS[type_]
    ua, ub = unsigned(type_, a), unsigned(type_, b)
    if op in DIVISIONS:
        return _divided(op, a, b, ua, ub, bits)
    by = ub % bits
    table: dict[str, Callable[[], int]] = {
        "add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b,
        "and": lambda: ua & ub, "or": lambda: ua | ub, "xor": lambda: ua ^ ub,
        "shl": lambda: ua << by, "shr_u": lambda: ua >> by, "shr_s": lambda: a >> by,
        "rotl": lambda: ua << by | ua >> (bits - by), "rotr": lambda: ua >> by | ua << (bits - by),
        "eq": lambda: a == b, "ne": lambda: a != b,
        "lt_s": lambda: a < b, "gt_s": lambda: a > b, "le_s": lambda: a <= b, "ge_s": lambda: a >= b,
        "lt_u": lambda: ua < ub, "gt_u": lambda: ua > ub, "le_u": lambda: ua <= ub, "ge_u": lambda: ua >= ub,
    }  # fmt: skip
    return int(table[op]())


def _divided(op: str, a: int, b: int, ua: int, ub: int, bits: int) -> int:
    if b == 0 or (op == "div_s" and a == -(1 << (bits - 1)) and b == -1):
        raise UndefinedError
    if op == "div_u":
        return ua // ub
    if op == "rem_u":
        return ua % ub
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient if op == "div_s" else a - quotient * b


def _floats(op: str, left: Number, right: Number) -> Number:
    a, b = float(left), float(right)
    if op == "div" and b == 0:
        raise UndefinedError
    table: dict[str, Callable[[], float]] = {
        "add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b, "div": lambda: a / b,
        "min": lambda: min(a, b), "max": lambda: max(a, b),
        "eq": lambda: a == b, "ne": lambda: a != b, "lt": lambda: a < b, "gt": lambda: a > b,
        "le": lambda: a <= b, "ge": lambda: a >= b,
    }  # fmt: skip
    result = table[op]()
    if not math.isfinite(result):
        raise UndefinedError
    return result


def code(expr: Expr) -> list[str]:
    """The instructions, one after the other on the stack."""
    match expr:
        case Const(type_, value):
            return [f"{type_}.const {number(type_, value)}"]
        case Var(_, at):
            return [f"local.get {at}"]
        case Unary(_, op, of):
            return [*code(of), op if "." in op else f"{of.type}.{op}"]
        case If(_, condition, yes, no):
            return [*code(yes), *code(no), *code(condition), "select"]
        case Binary(_, op, left, right):
            return [*code(left), *code(right), f"{left.type}.{op}"]


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
