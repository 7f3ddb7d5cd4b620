"""Expressions in words: as a formula, as a phrase, or as steps. Which, is drawn; what is said, is not."""

from collections.abc import Sequence
from random import Random

from nano.expr import Binary, Const, Expr, If, Let, Unary, Var, number

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "div_u": "/", "div_s": "/", "rem_u": "%", "rem_s": "%",
    "and": "&", "or": "|", "xor": "^", "shl": "<<", "shr_u": ">>", "shr_s": ">>",
    "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
    "lt_s": "<", "gt_s": ">", "le_s": "<=", "ge_s": ">=", "lt_u": "<", "gt_u": ">", "le_u": "<=", "ge_u": ">=",
}  # fmt: skip
_PHRASES = {
    "add": ("{a} plus {b}", "the sum of {a} and {b}"),
    "sub": ("{a} minus {b}", "the difference of {a} and {b}", "{a} less {b}"),
    "mul": ("{a} times {b}", "the product of {a} and {b}", "{a} multiplied by {b}"),
    "div": ("{a} divided by {b}", "the quotient of {a} and {b}"),
    "div_u": ("{a} divided by {b}", "the unsigned quotient of {a} and {b}"),
    "div_s": ("the signed quotient of {a} and {b}", "{a} divided by {b} as signed numbers"),
    "rem_u": ("{a} modulo {b}", "the remainder of {a} divided by {b}"),
    "rem_s": ("the signed remainder of {a} divided by {b}",),
    "and": ("{a} and {b} bit by bit", "the bitwise and of {a} and {b}", "the bits that {a} and {b} have in common"),
    "or": ("the bitwise or of {a} and {b}", "all bits of {a} and {b} together"),
    "xor": ("{a} xor {b}", "the exclusive or of {a} and {b}", "the bits in which {a} and {b} differ"),
    "shl": ("{a} shifted left by {b}", "{a} shifted {b} bits to the left"),
    "shr_u": ("{a} shifted right by {b}", "{a} shifted {b} bits to the right"),
    "shr_s": ("{a} shifted right by {b} with its sign", "the arithmetic right shift of {a} by {b}"),
    "rotl": ("{a} rotated left by {b}", "{a} with its bits rotated {b} positions to the left"),
    "rotr": ("{a} rotated right by {b}", "{a} with its bits rotated {b} positions to the right"),
    "min": ("the smaller of {a} and {b}", "the minimum of {a} and {b}"),
    "max": ("the larger of {a} and {b}", "the maximum of {a} and {b}"),
    "clz": ("the number of leading zero bits of {a}", "how many zero bits are above the highest set bit of {a}"),
    "ctz": ("the number of trailing zero bits of {a}", "how many zero bits are below the lowest set bit of {a}"),
    "popcnt": ("the number of set bits of {a}", "how many bits of {a} are set"),
    "sqrt": ("the square root of {a}",),
    "abs": ("the absolute value of {a}",),
    "neg": ("minus {a}", "{a} with its sign changed"),
    "floor": ("{a} rounded down",),
    "ceil": ("{a} rounded up",),
    "trunc": ("{a} rounded towards zero",),
    "i32.wrap_i64": ("the lower 32 bits of {a}",),
    "i64.extend_i32_u": ("the unsigned {a}",),
    "i64.extend_i32_s": ("the signed {a}",),
    "f64.convert_i32_s": ("{a} as a floating-point number",),
    "f64.convert_i32_u": ("the unsigned {a} as a floating-point number",),
}
_STEPS = {
    "add": ("add {b}",), "sub": ("subtract {b}", "take away {b}"), "mul": ("multiply by {b}",),
    "div": ("divide by {b}",), "div_u": ("divide by {b}",), "rem_u": ("take the remainder modulo {b}",),
    "and": ("and with {b}", "keep only the bits of {b}"), "or": ("or with {b}", "set the bits of {b}"),
    "xor": ("xor with {b}", "flip the bits of {b}"), "shl": ("shift left by {b}",), "shr_u": ("shift right by {b}",),
    "rotl": ("rotate left by {b}",), "rotr": ("rotate right by {b}",),
}  # fmt: skip
_COMPARED = {
    "eq": ("{a} is {b}", "{a} equals {b}"),
    "ne": ("{a} is not {b}", "{a} differs from {b}"),
    "lt": ("{a} is less than {b}", "{a} is below {b}", "{a} is smaller than {b}"),
    "gt": ("{a} is greater than {b}", "{a} is above {b}", "{a} is larger than {b}"),
    "le": ("{a} is at most {b}", "{a} is not greater than {b}"),
    "ge": ("{a} is at least {b}", "{a} is not less than {b}"),
}


class Voice:
    """How one function is told: the names of its variables, and whether and how its signs are."""

    def __init__(self, names: Sequence[str], random: Random, sign: str | None = None) -> None:
        """With `unsigned` or `signed` as the sign, the parameters are called that, and operations on them not."""
        self.names = names
        self.random = random
        self.sign = sign
        # The parameters of which that is still to be said.
        self._untold = set(names) if sign else set()

    def phrase(self, expr: Expr) -> str:
        """One way of saying it."""
        if self.random.random() < 0.35 and not isinstance(expr, Var):
            return self.formula(expr)
        match expr:
            case Const(type_, value):
                return number(type_, value)
            case Var(_, at):
                return self._first(self.names[at])
            case If(_, test, yes, no):
                return f"{self.phrase(yes)} if {self.condition(test)}, else {self.phrase(no)}"
            case Let(_, _, _, body):
                return self.phrase(body)
            case Unary(_, "eqz", of):
                return f"1 if {self.phrase(of)} is 0, else 0"
            case Unary(_, op, of):
                return self.random.choice(_PHRASES[op]).format(a=self.inner(of))
            case Binary(_, op, left, right):
                if op.partition("_")[0] in _COMPARED:
                    return f"1 if {self.condition(expr)}, else 0"
                pair = {"a": self.inner(left), "b": self.inner(right)}
                return self.random.choice(_PHRASES[op]).format(**pair)

    def inner(self, expr: Expr) -> str:
        """Part of a phrase: in brackets unless it is one word."""
        if isinstance(expr, Var | Const):
            return self.phrase(expr)
        return f"({self.phrase(expr)})"

    def condition(self, expr: Expr) -> str:
        """A comparison as a clause, with `unsigned` where it makes a difference and is not said otherwise."""
        match expr:
            case Binary(_, op, left, right) if op.partition("_")[0] in _COMPARED:
                kind, _, sign = op.partition("_")
                said = self.random.choice(_COMPARED[kind]).format(a=self.inner(left), b=self.inner(right))
                return said + (" as unsigned numbers" if sign == "u" and self.sign is None else "")
            case Binary(_, "and" | "or" as op, left, right):
                return f"{self.condition(left)} {op} {self.condition(right)}"
            case Unary(_, "eqz", Binary(_, "rem_u", of, Const(_, 2))):
                return f"{self.inner(of)} is even"
            case Unary(_, "eqz", Binary(_, "rem_u", of, Const(_, by))):
                return self.random.choice(
                    (f"{self.inner(of)} is a multiple of {by}", f"{self.inner(of)} is divisible by {by}")
                )
            case Unary(_, "eqz", of):
                return self.random.choice((f"{self.inner(of)} is 0", f"{self.inner(of)} is zero"))
            case _:
                return f"{self.inner(expr)} is not 0"

    def formula(self, expr: Expr) -> str:
        """Symbols, every operation in brackets but the outermost."""
        match expr:
            case Const(type_, value):
                return number(type_, value)
            case Var(_, at):
                return self.names[at]
            case Binary(_, op, left, right) if op in _INFIX and op not in ("rem_s", "div_s", "shr_s"):
                sides = (self.formula(side) for side in (left, right))
                a, b = (f"({text})" if " " in text else text for text in sides)
                mark = " (unsigned)" if op[1:] in ("t_u", "e_u") and self.sign is None else ""
                return f"{a} {_INFIX[op]} {b}{mark}"
            case _:
                return self.phrase(expr)

    def steps(self, expr: Expr) -> str | None:
        """A chain of operations on one value as steps; `None` if it is no chain."""
        chain: list[str] = []
        while isinstance(expr, Binary) and expr.op in _STEPS and isinstance(expr.right, Var | Const):
            chain.append(self.random.choice(_STEPS[expr.op]).format(b=self.formula(expr.right)))
            expr = expr.left
        if len(chain) < 2 or not isinstance(expr, Var):
            return None
        chain.reverse()
        return f"Take {self._first(self.names[expr.at])}, " + ", then ".join(chain)

    def rest(self) -> str:
        """A sentence on the signs that nothing has told so far; with a blank before it, or nothing."""
        left = [name for name in self.names if name in self._untold]
        if not left:
            return ""
        self._untold.clear()
        if len(left) == 1:
            return f" {left[0]} is {self.sign}."
        if len(left) == len(self.names):
            return f" {'Both' if len(left) == 2 else 'All'} are {self.sign}."
        return f" {listed(left)} are {self.sign}."

    def _first(self, name: str) -> str:
        if name not in self._untold or self.random.random() < 0.3:
            return name
        self._untold.discard(name)
        return f"the {self.sign} {name}" if self.random.random() < 0.5 else f"the {self.sign} number {name}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
