"""Functions without loops."""

from random import Random

from nano import draw, words
from nano.expr import Binary, Const, Expr, If, Unary, Var, code, compute
from nano.function import Function

_ASK = ("Return {}.", "Compute {}.", "Calculate {}.", "Give {}.", "Find {}.", "What is {}?")


def _function(random: Random, family: str, expr: Expr, params: list[str], prompt: str) -> Function:
    body = tuple(code(expr))
    return Function(family, draw.export(random), tuple(params), expr.type, prompt, body, (), lambda v: compute(expr, v))


def _type(random: Random) -> str:
    return random.choice(("i32", "i32", "i32", "i64", "f64"))


def expression(random: Random) -> Function:
    """Any tree."""
    type_, count = _type(random), random.choice((1, 2, 2, 2, 3, 3))
    expr = draw.arithmetic(random, type_, draw.variables(type_, count), random.choice((1, 1, 2, 2, 3)))
    names = draw.names(random, type_)
    prompt = random.choice(_ASK).format(words.phrase(expr, names, random))
    return _function(random, "expression", expr, [type_] * count, prompt)


def steps(random: Random) -> Function:
    """A chain of operations, told one after the other."""
    type_, count = _type(random), random.choice((1, 1, 2))
    expr = draw.chain(random, type_, draw.variables(type_, count))
    names = draw.names(random, type_)
    told = words.steps(expr, names, random)
    prompt = f"{told}." if told else random.choice(_ASK).format(words.phrase(expr, names, random))
    return _function(random, "steps", expr, [type_] * count, prompt)


def question(random: Random) -> Function:
    """1 or 0."""
    type_, count = _type(random), random.choice((1, 2, 2, 3))
    leaves = draw.variables(type_, count)
    expr = draw.comparison(random, type_, leaves)
    if random.random() < 0.3:
        expr = Binary("i32", random.choice(("and", "or")), expr, draw.comparison(random, type_, leaves))
    said = words.condition(expr, draw.names(random, type_), random)
    prompt = random.choice(("Return 1 if {}, else 0.", "Return 1 if {} and 0 if not.", "Say whether {}: 1 or 0."))
    return _function(random, "question", expr, [type_] * count, prompt.format(said))


def choice(random: Random) -> Function:
    """One of two or three values, by comparison."""
    type_, count = _type(random), random.choice((1, 2, 2, 3))
    leaves = draw.variables(type_, count)
    names = draw.names(random, type_)

    def value() -> Expr:
        return draw.arithmetic(random, type_, leaves, random.choice((0, 0, 1)))

    tests = [draw.comparison(random, type_, leaves) for _ in range(random.choice((1, 1, 2)))]
    results, last = [value() for _ in tests], value()
    expr: Expr = last
    for test, yes in zip(reversed(tests), reversed(results), strict=True):
        expr = If(type_, test, yes, expr)
    parts = [
        f"{words.phrase(yes, names, random)} if {words.condition(test, names, random)}"
        for test, yes in zip(tests, results, strict=True)
    ]
    prompt = f"Return {', '.join(parts)}, {random.choice(('else', 'otherwise'))} {words.phrase(last, names, random)}."
    return _function(random, "choice", expr, [type_] * count, prompt)


def bits(random: Random) -> Function:
    """Fields, single bits, halves and bytes of a number."""
    type_ = random.choice(("i32", "i32", "i64"))
    size = 32 if type_ == "i32" else 64
    n = Var(type_, 0)
    low = random.randrange(0, size - 1)
    width = random.randrange(1, min(16, size - low) + 1)
    ones = Const(type_, (1 << width) - 1)
    bit = Const(type_, 1 << low)
    shifted: Expr = Binary(type_, "shr_u", n, Const(type_, low)) if low else n
    field = Binary(type_, "and", shifted, ones)
    name = random.choice(("n", "x", "value", "v"))
    high = low + width - 1
    flipped = Const(type_, -1 ^ (1 << low))
    table: tuple[tuple[Expr, tuple[str, ...]], ...] = (
        (field, (f"Extract bits {low} to {high} of {name}.", f"Return the {width} bits of {name} from bit {low} up.")),
        (Binary(type_, "and", n, ones), (f"Keep only the lowest {width} bits of {name}.",)),
        (Binary(type_, "or", n, bit), (f"Set bit {low} of {name}.", f"Turn on bit {low} of {name}.")),
        (Binary(type_, "and", n, flipped), (f"Clear bit {low} of {name}.", f"Turn off bit {low} of {name}.")),
        (Binary(type_, "xor", n, bit), (f"Flip bit {low} of {name}.", f"Toggle bit {low} of {name}.")),
        (
            Binary(type_, "and", Binary(type_, "shr_u", n, Const(type_, low)), Const(type_, 1)),
            (f"Return bit {low} of {name}.", f"Return 1 if bit {low} of {name} is set, else 0."),
        ),
        (
            Binary(type_, "rotl", n, Const(type_, max(1, low))),
            (f"Rotate the bits of {name} to the left by {max(1, low)}.",),
        ),
        (Binary(type_, "xor", n, Const(type_, -1)), (f"Flip all bits of {name}.", f"Return the complement of {name}.")),
    )
    expr, said = random.choice(table)
    return _function(random, "bits", expr, [type_], random.choice(said))


def counts(random: Random) -> Function:
    """Counts of bits of something, and something done with them."""
    type_, count = random.choice(("i32", "i32", "i64")), random.choice((1, 2))
    inner = draw.arithmetic(random, type_, draw.variables(type_, count), random.choice((0, 1, 1)))
    expr: Expr = Unary(type_, random.choice(("clz", "ctz", "popcnt")), inner)
    if random.random() < 0.6:
        other = Const(type_, random.randrange(1, 40))
        op = random.choice(("add", "sub", "mul", "eq", "lt_u", "and"))
        expr = Binary("i32" if op in ("eq", "lt_u") else type_, op, expr, other)
    prompt = random.choice(_ASK[:2]).format(words.phrase(expr, draw.names(random, type_), random))
    return _function(random, "counts", expr, [type_] * count, prompt)


def division(random: Random) -> Function:
    """Divisions by a parameter, with something in place of the trap."""
    type_ = random.choice(("i32", "i32", "i64"))
    leaves = draw.variables(type_, 2)
    names = draw.names(random, type_)
    op = random.choice(("div_u", "rem_u"))
    top = leaves[0] if random.random() < 0.5 else draw.arithmetic(random, type_, leaves[:1], 1)
    instead = random.choice((Const(type_, 0), Const(type_, 0), Const(type_, -1), leaves[0]))
    expr = Binary(type_, op, top, leaves[1])
    body = (
        "local.get 1", f"{type_}.eqz", f"if (result {type_})", *code(instead), "else", *code(expr), "end",
    )  # fmt: skip
    said = words.phrase(expr, names, random)
    other = words.phrase(instead, names, random)
    prompt = random.choice(
        (
            f"Return {said}; if {names[1]} is 0, return {other}.",
            f"Compute {said}. Division by 0 gives {other}.",
            f"Return {said}, or {other} if {names[1]} is 0. Both are unsigned.",
        )
    )
    return Function(
        "division", draw.export(random), (type_, type_), type_, prompt, body, (),
        lambda v: compute(expr if v[1] else instead, v),
    )  # fmt: skip


def floats(random: Random) -> Function:
    """Roots, polynomials and means."""
    count = random.choice((1, 2, 2, 3))
    leaves = draw.variables("f64", count)
    names = draw.names(random, "f64")
    kind = random.randrange(3)
    if kind == 0:
        inner = draw.arithmetic(random, "f64", leaves, random.choice((0, 1)))
        op = random.choice(("sqrt", "abs", "neg", "floor", "ceil", "trunc"))
        expr: Expr = Unary("f64", op, Unary("f64", "abs", inner) if op == "sqrt" else inner)
        if random.random() < 0.5:
            expr = Binary("f64", random.choice(("add", "sub", "mul")), expr, random.choice(leaves))
        prompt = random.choice(_ASK).format(words.phrase(expr, names, random))
    elif kind == 1:
        x = leaves[0]
        factors = [Const("f64", random.randrange(1, 12)) for _ in range(random.choice((2, 3, 4)))]
        expr = factors[0]
        for factor in factors[1:]:
            expr = Binary("f64", random.choice(("add", "sub")), Binary("f64", "mul", expr, x), factor)
        prompt = f"Evaluate {words.formula(expr, names, random)} for a given {names[0]}."
        count = 1
    else:
        expr = leaves[0]
        for leaf in leaves[1:]:
            expr = Binary("f64", "add", expr, leaf)
        expr = Binary("f64", "div", expr, Const("f64", count))
        prompt = f"Return the mean of {', '.join(names[: count - 1])} and {names[count - 1]}."
        if count == 1:
            expr, prompt = Binary("f64", "mul", leaves[0], leaves[0]), f"Return the square of {names[0]}."
    return _function(random, "floats", expr, ["f64"] * count, prompt)


FAMILIES = (expression, expression, steps, question, choice, bits, counts, division, floats)
