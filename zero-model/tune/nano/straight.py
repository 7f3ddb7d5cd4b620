"""Functions without loops: trees of operations."""

from random import Random

from nano import draw
from nano.expr import Binary, Const, Expr, If, Unary, Var
from nano.function import Function, define
from nano.program import Set, When
from nano.words import Voice, listed

ASK = ("Return {}.", "Return {}.", "Return {}.", "Compute {}.", "Calculate {}.", "Give {}.", "Find {}.", "What is {}?")
SIZES = {"i32": 32, "i64": 64}


def kind(random: Random) -> str:
    """A type, `i32` most often."""
    return random.choice(("i32", "i32", "i32", "i64", "f64"))


def expression(random: Random) -> Function:
    """Any tree."""
    type_, count = kind(random), random.choice((1, 2, 2, 2, 3, 3))
    expr = draw.arithmetic(random, type_, draw.variables(type_, count), random.choice((1, 1, 2, 2, 3)))
    voice = Voice(draw.names(random, type_, count), random)
    return define(random, "expression", [type_] * count, expr, random.choice(ASK).format(voice.phrase(expr)))


def steps(random: Random) -> Function:
    """A chain of operations, told one after the other."""
    type_, count = kind(random), random.choice((1, 1, 2))
    expr = draw.chain(random, type_, draw.variables(type_, count))
    voice = Voice(draw.names(random, type_, count), random)
    told = voice.steps(expr)
    prompt = f"{told}." if told else random.choice(ASK).format(voice.phrase(expr))
    return define(random, "steps", [type_] * count, expr, prompt)


def question(random: Random) -> Function:
    """1 or 0."""
    type_, count = kind(random), random.choice((1, 2, 2, 3))
    leaves = draw.variables(type_, count)
    voice = draw.voice(random, type_, count)
    expr = draw.comparison(random, type_, leaves, voice.sign)
    if random.random() < 0.3:
        other = draw.comparison(random, type_, leaves, voice.sign)
        expr = Binary("i32", random.choice(("and", "or")), expr, other)
    said = voice.condition(expr)
    prompt = random.choice(
        ("Return 1 if {}, else 0.", "Return 1 if {} and 0 if not.", "Say whether {}: 1 or 0.", "1 if {}, 0 otherwise.")
    ).format(said)
    return define(random, "question", [type_] * count, expr, prompt + voice.rest())


def choice(random: Random) -> Function:
    """One of two or three values, by comparison."""
    type_, count = kind(random), random.choice((1, 2, 2, 3))
    leaves = draw.variables(type_, count)
    voice = draw.voice(random, type_, count)

    def value() -> Expr:
        return draw.arithmetic(random, type_, leaves, random.choice((0, 0, 1)))

    tests = [draw.comparison(random, type_, leaves, voice.sign) for _ in range(random.choice((1, 1, 2)))]
    results, last = [value() for _ in tests], value()
    expr: Expr = last
    for test, yes in zip(reversed(tests), reversed(results), strict=True):
        expr = If(type_, test, yes, expr)
    parts = [f"{voice.phrase(yes)} if {voice.condition(test)}" for test, yes in zip(tests, results, strict=True)]
    prompt = f"Return {', '.join(parts)}, {random.choice(('else', 'otherwise'))} {voice.phrase(last)}."
    return define(random, "choice", [type_] * count, expr, prompt + voice.rest())


def bits(random: Random) -> Function:
    """Fields, single bits and halves of a number."""
    type_ = random.choice(("i32", "i32", "i64"))
    size = SIZES[type_]
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
        (Binary(type_, "or", n, bit), (f"Set bit {low} of {name}.", f"Set bit {low} of {name} to 1.")),
        (Binary(type_, "and", n, flipped), (f"Clear bit {low} of {name}.", f"Set bit {low} of {name} to 0.")),
        (Binary(type_, "xor", n, bit), (f"Flip bit {low} of {name}.", f"Toggle bit {low} of {name}.")),
        (
            Binary(type_, "and", Binary(type_, "shr_u", n, Const(type_, low)), Const(type_, 1)),
            (f"Return bit {low} of {name}.", f"Return 1 if bit {low} of {name} is set, else 0."),
        ),
        (
            Binary(type_, "rotl", n, Const(type_, max(1, low))),
            (f"Rotate the bits of {name} to the left by {max(1, low)} positions.",),
        ),
        (Binary(type_, "xor", n, Const(type_, -1)), (f"Flip all bits of {name}.", f"Return the complement of {name}.")),
    )
    expr, said = random.choice(table)
    return define(random, "bits", [type_], expr, random.choice(said))


def counts(random: Random) -> Function:
    """Counts of bits of something, and something done with them."""
    type_, count = random.choice(("i32", "i32", "i64")), random.choice((1, 2))
    inner = draw.arithmetic(random, type_, draw.variables(type_, count), random.choice((0, 1, 1)))
    expr: Expr = Unary(type_, random.choice(("clz", "ctz", "popcnt")), inner)
    if random.random() < 0.6:
        other = Const(type_, random.randrange(1, 40))
        op = random.choice(("add", "sub", "mul", "eq", "lt_u", "and"))
        expr = Binary("i32" if op in ("eq", "lt_u") else type_, op, expr, other)
    if expr.type == "i64" and random.random() < 0.5:
        expr = Unary("i32", "i32.wrap_i64", expr)
        voice = Voice(draw.names(random, type_, count), random, "64-bit")
        said = voice.phrase(expr.of)
        return define(random, "counts", [type_] * count, expr, f"Return {said}, as a 32-bit number.")
    voice = Voice(draw.names(random, type_, count), random)
    return define(random, "counts", [type_] * count, expr, random.choice(ASK).format(voice.phrase(expr)))


def division(random: Random) -> Function:
    """Divisions by a parameter, with something in place of the trap."""
    type_ = random.choice(("i32", "i32", "i64"))
    leaves = draw.variables(type_, 2)
    voice = Voice(draw.names(random, type_, 2), random, "unsigned")
    b = voice.names[1]
    op = random.choice(("div_u", "rem_u"))
    top = leaves[0] if random.random() < 0.5 else draw.arithmetic(random, type_, leaves[:1], 1)
    instead = random.choice((Const(type_, 0), Const(type_, 0), Const(type_, -1), leaves[0]))
    expr = Binary(type_, op, top, leaves[1])
    said, other = voice.phrase(expr), voice.phrase(instead)
    prompt = random.choice(
        (
            f"Return {said}; if {b} is 0, return {other}.",
            f"Compute {said}. Division by 0 gives {other}.",
            f"Return {said}; division by 0 gives {other}.",
            f"Return {said}, or {other} if {b} is 0.",
        )
    )
    tested = When(Unary("i32", "eqz", leaves[1]), (Set(2, instead),), (Set(2, expr),))
    return define(random, "division", [type_] * 2, Var(type_, 2), prompt + voice.rest(), tested, extra=[type_])


def floats(random: Random) -> Function:
    """Roots, polynomials and means."""
    count = random.choice((1, 2, 2, 3))
    leaves = draw.variables("f64", count)
    names = draw.names(random, "f64")
    voice = Voice(names, random)
    which = random.randrange(3)
    if which == 0:
        inner = draw.arithmetic(random, "f64", leaves, random.choice((0, 1)))
        op = random.choice(("sqrt", "abs", "neg", "floor", "ceil", "trunc"))
        expr: Expr = Unary("f64", op, Unary("f64", "abs", inner) if op == "sqrt" else inner)
        if random.random() < 0.5:
            expr = Binary("f64", random.choice(("add", "sub", "mul")), expr, random.choice(leaves))
        prompt = random.choice(ASK).format(voice.phrase(expr))
    elif which == 1:
        x, count = leaves[0], 1
        factors = [Const("f64", random.randrange(1, 12)) for _ in range(random.choice((2, 3, 4)))]
        expr = factors[0]
        for factor in factors[1:]:
            expr = Binary("f64", random.choice(("add", "sub")), Binary("f64", "mul", expr, x), factor)
        prompt = f"Evaluate {voice.formula(expr)} for a given {names[0]}."
    else:
        expr = leaves[0]
        for leaf in leaves[1:]:
            expr = Binary("f64", "add", expr, leaf)
        expr = Binary("f64", "div", expr, Const("f64", count + 1))
        prompt = f"Return the sum of {listed(names[:count])}, divided by {count + 1}."
        if count == 1:
            expr, prompt = Binary("f64", "mul", leaves[0], leaves[0]), f"Return the square of {names[0]}."
    return define(random, "floats", ["f64"] * count, expr, prompt)


FAMILIES = (expression, expression, steps, question, choice, bits, counts, division, floats)
