"""Draws expressions, names and constants."""

from random import Random

from nano.expr import COMPARISONS, FLOAT_COMPARISONS, Binary, Const, Expr, Number, Unary, Var
from nano.words import Voice

_NAMES = {
    "i32": (("a", "b", "c", "d"), ("x", "y", "z", "w"), ("n", "k", "m", "p"), ("p", "q", "r", "s")),
    "i64": (("a", "b", "c", "d"), ("x", "y", "z", "w"), ("n", "k", "m", "p")),
    "f64": (("x", "y", "z", "w"), ("a", "b", "c", "d"), ("u", "v", "w", "t")),
}
_SINGLE = ("n", "n", "n", "x", "x", "value", "number", "v", "h", "k", "s")


def names(random: Random, type_: str, count: int = 4) -> list[str]:
    """Names of parameters, in their order."""
    if count == 1 and type_ != "f64" and random.random() < 0.7:
        return [random.choice(_SINGLE)]
    return list(random.choice(_NAMES[type_]))[:count]


def voice(random: Random, type_: str, count: int) -> Voice:
    """Names, and half of the time a sign that is said of the parameters."""
    sign = None if type_ == "f64" else random.choice((None, None, "unsigned", "unsigned", "signed"))
    return Voice(names(random, type_, count), random, sign)


def constant(random: Random, type_: str) -> Number:
    """Mostly small, sometimes any, often a power of two or one less."""
    if type_ == "f64":
        return random.choice((random.randrange(1, 13), random.randrange(1, 1000), random.randrange(1, 200) / 8))
    kind = random.random()
    if kind < 0.6:
        return random.randrange(1, 21)
    if kind < 0.8:
        return random.choice(((1 << random.randrange(1, 16)), (1 << random.randrange(1, 16)) - 1))
    return random.randrange(21, random.choice((100, 1000, 100000, 1 << 31)))


def arithmetic(random: Random, type_: str, leaves: list[Expr], depth: int) -> Expr:
    """A tree over the leaves, each of which it uses if there is room."""
    if depth == 0:
        return random.choice(leaves) if random.random() < 0.7 else Const(type_, constant(random, type_))
    ops: tuple[str, ...]
    if type_ == "f64":
        ops = ("add", "sub", "mul", "add", "sub", "mul", "div", "min", "max")
    else:
        ops = ("add", "sub", "mul", "add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "rem_u", "div_u", "rotl")
    op = random.choice(ops)
    left = arithmetic(random, type_, leaves, depth - 1)
    if op in ("shl", "shr_u", "rotl"):
        return Binary(type_, op, left, Const(type_, random.randrange(1, 16)))
    if op in ("rem_u", "div_u") or (op == "div" and random.random() < 0.5):
        return Binary(type_, op, left, Const(type_, random.randrange(2, 30)))
    right = arithmetic(random, type_, leaves, random.choice((0, depth - 1)))
    return Binary(type_, op, left, right)


def chain(random: Random, type_: str, leaves: list[Expr]) -> Expr:
    """A value that goes through some operations one after the other."""
    ops = ("add", "sub", "mul") if type_ == "f64" else ("add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "rotl")
    expr = random.choice(leaves)
    for _ in range(random.randrange(2, 5)):
        op = random.choice(ops)
        if op in ("shl", "shr_u", "rotl"):
            right: Expr = Const(type_, random.randrange(1, 16))
        else:
            right = random.choice(leaves) if random.random() < 0.3 else Const(type_, constant(random, type_))
        expr = Binary(type_, op, expr, right)
    return expr


def comparison(random: Random, type_: str, leaves: list[Expr], sign: str | None = None) -> Expr:
    """A comparison of two values, or a question about one; as signed or unsigned numbers if that is said."""
    if type_ == "f64":
        left, right = random.choice(leaves), random.choice([*leaves, Const(type_, constant(random, type_))])
        return Binary("i32", random.choice(FLOAT_COMPARISONS[2:]), left, right)
    left = random.choice(leaves) if random.random() < 0.7 else arithmetic(random, type_, leaves, 1)
    if random.random() < 0.25:
        return Unary("i32", "eqz", Binary(type_, "rem_u", left, Const(type_, random.choice((2, 2, 3, 4, 5, 7, 10)))))
    right = random.choice(leaves) if random.random() < 0.5 else Const(type_, constant(random, type_))
    ops = [op for op in COMPARISONS if sign is None or op[-2:] in ("eq", "ne", "_" + sign[0])]
    return Binary("i32", random.choice(ops), left, right)


def variables(type_: str, count: int) -> list[Expr]:
    """The parameters as expressions."""
    return [Var(type_, at) for at in range(count)]
