"""Functions that are told by a formula, a rule or a list of steps, as in books: floats, units, generators."""

from random import Random

from nano import draw
from nano.expr import Binary, Const, Expr, If, Unary, Var
from nano.function import Function, define
from nano.loops import limited
from nano.program import Set, Until
from nano.words import Voice

_TOPICS = (
    "force", "energy", "speed", "pressure", "density", "area of the surface", "volume", "weight", "cost", "profit",
    "price after tax", "distance", "acceleration", "voltage", "current", "power", "momentum", "perimeter", "height",
    "score", "rating", "moment", "balance", "growth", "slope", "range", "dose", "load", "yield", "angle", "error",
)  # fmt: skip
_LETTERS = (
    ("a", "b", "c", "d"), ("x", "y", "z", "t"), ("m", "v", "h", "g"), ("mass", "height", "width", "depth"),
    ("price", "rate", "count", "tax"), ("u", "v", "w", "t"), ("p", "q", "r", "s"), ("base", "rate", "time", "k"),
)  # fmt: skip


def formula(random: Random) -> Function:
    """A name, a colon and a formula."""
    count = random.choice((1, 2, 2, 3, 3, 4))
    names = list(random.choice(_LETTERS))[:count]
    leaves = draw.variables("f64", count)
    expr = _tree(random, leaves, random.choice((1, 2, 2, 3)))
    voice = Voice(names, random)
    topic = random.choice(_TOPICS)
    text = voice.formula(expr)
    prompt = random.choice(
        (
            f"Return the {topic}: {text}.", f"Compute the {topic}: {text}.", f"Return the {topic}, which is {text}.",
            f"Return {text}.", f"Return the {topic} of a body: {text}, from left to right.",
        )
    )  # fmt: skip
    if random.random() < 0.2:
        at = random.randrange(count)
        zero = Const("f64", 0)
        prompt = f"{prompt[:-1]}; 0 if {names[at]} is not greater than 0."
        expr = If("f64", Binary("i32", "le", leaves[at], zero), zero, expr)
    return define(random, "formula", ["f64"] * count, expr, prompt)


def _tree(random: Random, leaves: list[Expr], depth: int) -> Expr:
    """Operators over all leaves, without what a formula cannot say."""
    if depth == 0:
        return random.choice(leaves) if random.random() < 0.75 else Const("f64", draw.constant(random, "f64"))
    op = random.choice(("add", "sub", "mul", "mul"))
    left = _tree(random, leaves, random.choice((depth - 1, depth - 1, 0)))
    if random.random() < 0.15:
        return Binary("f64", "div", left, Const("f64", random.choice((2, 3, 4, 5, 10, 100))))
    return Binary("f64", op, left, _tree(random, leaves, random.choice((depth - 1, 0, 0))))


def told(random: Random) -> Function:
    """Products, quotients and squares of named things in words."""
    names = list(random.choice(_LETTERS))[: random.choice((2, 2, 3))]
    values = draw.variables("f64", len(names))

    def thing(at: int) -> tuple[Expr, str]:
        value, name = values[at], names[at]
        square = Binary("f64", "mul", value, value)
        return random.choice(
            (
                (value, name), (value, name), (square, f"the square of {name}"),
                (square, f"{name} times itself"), (Binary("f64", "mul", Const("f64", 2), value), f"twice {name}"),
                (Unary("f64", "abs", value), f"the absolute value of {name}"),
                (Binary("f64", "div", value, Const("f64", 2)), f"half of {name}"),
            )
        )  # fmt: skip

    expr, said = thing(0)
    for at in range(1, len(names)):
        value, word = thing(at)
        op, by = random.choice(
            (("add", "plus"), ("sub", "minus"), ("mul", "times"), ("mul", "multiplied by"), ("div", "divided by"))
        )
        if op == "div":
            value = Binary("f64", "add", value, Const("f64", 1))
            word = f"({word} plus 1)"
        if isinstance(expr, Binary) and " " in said and at > 1:
            said = f"({said})"
        expr, said = Binary("f64", op, expr, value), f"{said} {by} {word}"
    head = random.choice((f"Return the {random.choice(_TOPICS)}: ", "Return "))
    tail = ""
    if random.random() < 0.3:
        zero = Const("f64", 0)
        expr = If("f64", Binary("i32", "le", values[-1], zero), zero, expr)
        tail = f"; 0 if {names[-1]} is not greater than 0"
    elif random.random() < 0.3:
        said = (
            f"half of the absolute value of {said}"
            if random.random() < 0.5
            else f"the square root of the absolute value of ({said})"
        )
        size = Unary("f64", "abs", expr)
        expr = Binary("f64", "div", size, Const("f64", 2)) if said[0] == "h" else Unary("f64", "sqrt", size)
    return define(random, "told", ["f64"] * len(names), expr, f"{head}{said}{tail}.")


def polynomial(random: Random) -> Function:
    """A polynomial in powers, or as Horner's rule computes it."""
    degree = random.choice((1, 2, 2, 3, 3, 4))
    type_ = random.choice(("f64", "f64", "i32", "i64"))
    name = random.choice(("x", "x", "t", "n"))
    factors = [random.randrange(1, 12) * random.choice((1, 1, -1)) for _ in range(degree + 1)]
    factors[0] = abs(factors[0])
    x = Var(type_, 0)
    expr: Expr = Binary(type_, "mul", Const(type_, factors[0]), x)
    horner = f"{factors[0]}{name}"
    for at, factor in enumerate(factors[1:], 1):
        sign = "+" if factor > 0 else "-"
        expr = Binary(type_, "add" if factor > 0 else "sub", expr, Const(type_, abs(factor)))
        horner += f" {sign} {abs(factor)}"
        if at < degree:
            expr, horner = Binary(type_, "mul", expr, x), f"({horner}){name}"
    powers = f"{factors[0]}{name}" + (f"^{degree}" if degree > 1 else "")
    for at, factor in enumerate(factors[1:], 1):
        power = degree - at
        powers += f" {'+' if factor > 0 else '-'} {abs(factor)}"
        powers += "" if power == 0 else name if power == 1 else f"{name}^{power}"
    modulo = "" if type_ == "f64" else f", modulo 2^{type_[1:]}"
    prompt = random.choice(
        (
            f"Return the polynomial {powers}{modulo}, by Horner's rule: {horner}.",
            f"Return {horner}{modulo}.", f"Evaluate the polynomial {powers} by Horner's rule{modulo}.",
            f"Evaluate {powers}{modulo}, by Horner's rule.",
        )
    )  # fmt: skip
    return define(random, "polynomial", [type_], expr, prompt)


def units(random: Random) -> Function:
    """A conversion in steps, which are told after a colon."""
    type_ = random.choice(("f64", "f64", "i32"))
    things = ("degrees", "metres", "feet", "litres", "points", "dollars", "seconds", "grams", "miles", "knots", "parts")
    one, other = random.sample(things, 2)
    count = random.choice((2, 3, 3, 4))
    ops = {"multiply by": "mul", "divide by": "div" if type_ == "f64" else "div_u", "add": "add", "subtract": "sub"}
    expr: Expr = Var(type_, 0)
    steps = []
    for _ in range(count):
        word = random.choice(list(ops))
        value = random.choice((2, 3, 4, 5, 8, 9, 10, 12, 16, 32, 60, 100, random.randrange(2, 1000)))
        expr = Binary(type_, ops[word], expr, Const(type_, value))
        steps.append(f"{word} {value}")
    ways = ", in this order" if random.random() < 0.5 else ""
    text = ", ".join(steps)
    prompt = random.choice(
        (
            f"Convert {one} to {other}: {text}{ways}.", f"Convert a value from {one} to {other}: {text}{ways}.",
            f"Return {one} as {other}: {text}{ways}.",
        )
    )  # fmt: skip
    return define(random, "units", [type_], expr, prompt + (" All is unsigned." if type_ == "i32" else ""))


def clock(random: Random) -> Function:
    """Parts of an amount, each with a weight."""
    big, small = random.choice(((60, 60), (24, 60), (12, 20), (100, 100), (7, 24), (16, 12), (30, 60)))
    units_ = random.choice(
        (
            ("seconds", "minutes", "hours"),
            ("hours", "days", "weeks"),
            ("pence", "shillings", "pounds"),
            ("inches", "feet", "yards"),
        )
    )
    n: Expr = Var("i32", 0)
    most = random.choice((0, big * small * 24, 10000))
    if most:
        n = Binary("i32", "rem_u", n, Const("i32", most))
    low = Binary("i32", "rem_u", n, Const("i32", small))
    middle = Binary("i32", "rem_u", Binary("i32", "div_u", n, Const("i32", small)), Const("i32", big))
    high = Binary("i32", "div_u", n, Const("i32", small * big))
    weights = random.choice(((100, 10), (1000, 100), (10000, 100), (256, 16), (1000000, 1000)))
    rule = f"There are {small} {units_[0]} in one of the {units_[1]} and {big} {units_[1]} in one of the {units_[2]}."
    taken = f", unsigned and taken modulo {most}," if most else ", unsigned,"
    kind = random.randrange(4)
    if kind == 0:
        whole = Binary(
            "i32",
            "add",
            Binary("i32", "mul", high, Const("i32", weights[0])),
            Binary("i32", "mul", middle, Const("i32", weights[1])),
        )
        expr: Expr = Binary("i32", "add", whole, low)
        said = f"{units_[2]} * {weights[0]} + {units_[1]} * {weights[1]} + {units_[0]}"
    elif kind == 1:
        expr = Binary("i32", "add", Binary("i32", "mul", middle, Const("i32", weights[1])), low)
        said = f"the rest in {units_[1]} * {weights[1]} + {units_[0]}, without the {units_[2]}"
    elif kind == 2:
        expr, said = high, f"whole {units_[2]}"
    else:
        expr = Binary("i32", "add", Binary("i32", "add", high, middle), low)
        said = f"{units_[2]} + {units_[1]} + {units_[0]}"
    return define(random, "clock", ["i32"], expr, f"Convert {units_[0]}{taken} to {said}. {rule}")


def generator(random: Random) -> Function:
    """One step of a generator of numbers, or the mixing at the end of a hash."""
    type_ = random.choice(("i32", "i32", "i64"))
    name = random.choice(("x", "state", "h", "s", "seed"))
    x = Var(type_, 0)
    expr: Expr = x
    kind = random.randrange(3)
    size = type_[1:]
    if kind == 0:
        factor, more = random.randrange(3, 1 << 31), random.randrange(1, 1 << 31)
        if random.random() < 0.5:
            factor, more = random.randrange(3, 70000), random.randrange(1, 70000)
        expr = Binary(type_, "add", Binary(type_, "mul", x, Const(type_, factor)), Const(type_, more))
        prompt = random.choice(
            (
                f"Take the {name} one step on in a generator: multiply by {factor} and add {more}, modulo 2^{size}.",
                f"Return the next number of a generator with the state {name}: multiply by {factor}, then add {more}.",
            )
        )
        return define(random, "generator", [type_], expr, prompt)
    steps, sets = [], []
    words = {"shl": "left", "shr_u": "right"}
    for at in range(random.choice((2, 3, 3, 4, 5))):
        if kind == 2 and at % 2 == 1:
            factor = random.randrange(3, random.choice((1000, 1 << 31)))
            sets.append(Set(0, Binary(type_, "mul", x, Const(type_, factor))))
            steps.append(f"multiply by {factor}")
            continue
        op, by = random.choice(("shl", "shr_u")), random.randrange(1, 31)
        sets.append(Set(0, Binary(type_, "xor", x, Binary(type_, op, x, Const(type_, by)))))
        who = random.choice(("itself", name, "it")) if at else random.choice(("itself", name))
        steps.append(f"xor with {who} shifted {words[op]} by {by}")
    text = ", then ".join(steps) if random.random() < 0.5 else ", ".join(steps)
    prompt = random.choice(
        (
            f"Mix {name}: {text}.",
            f"Take {name} through these steps: {text}.",
            f"Return {name} after these steps: {text}.",
        )
    )
    return define(random, "generator", [type_], x, prompt, *sets)


def points(random: Random) -> Function:
    """Points, compared and measured by squares."""
    x, y, r = draw.variables("f64", 3)
    square = {at: Binary("f64", "mul", value, value) for at, value in zip("xyr", (x, y, r), strict=True)}
    norm = Binary("f64", "add", square["x"], square["y"])
    radius = random.randrange(1, 100)
    edge = Const("f64", radius * radius)
    around = "the circle around (0, 0) with the radius"
    far = Binary("f64", "add", norm, square["r"])
    sides: tuple[tuple[Expr, int, str], ...] = (
        (norm, 2, "Return the square of the distance of the point (x, y) from (0, 0)."),
        (
            Binary("i32", "gt", norm, edge), 2,
            f"Return 1 if the point (x, y) lies outside of {around} {radius}, compared by squares, else 0.",
        ),
        (
            Binary("i32", "lt", norm, edge), 2,
            f"Return 1 if the point (x, y) is inside of {around} {radius}, else 0, compared by squares.",
        ),
        (
            Binary("i32", "lt", norm, square["r"]), 3,
            f"Return 1 if (x, y) lies in {around} r but not on its edge, compared by squares, else 0.",
        ),
        (
            Binary("f64", "sub", norm, square["r"]), 3,
            "Return by how much the squares of x and y together exceed the square of r.",
        ),
        (far, 3, "Return the sum of the squares of x, y and r."),
        (
            Unary("f64", "sqrt", far), 3,
            "Return the length of the vector (x, y, r): the square root of the sum of its squares.",
        ),
        (
            Binary("f64", "add", Unary("f64", "abs", x), Unary("f64", "abs", y)), 2,
            "Return the sum of the absolute values of x and y.",
        ),
        (
            Unary("f64", "sqrt", Binary("f64", "add", norm, Const("f64", radius))), 2,
            f"Return the square root of x * x + y * y + {radius}.",
        ),
    )  # fmt: skip
    expr, count, prompt = random.choice(sides)
    if random.random() < 0.5 and expr.type == "f64":
        value = random.randrange(2, 100)
        op, word = random.choice((("mul", "times"), ("add", "plus"), ("div", "divided by"), ("sub", "minus")))
        expr, prompt = Binary("f64", op, expr, Const("f64", value)), f"{prompt[:-1]}, {word} {value}."
    return define(random, "points", ["f64"] * count, expr, prompt)


def growth(random: Random) -> Function:
    """A float that changes once for each of some years."""
    first = random.choice((1, 10, 50, 1000, random.randrange(2, 5000)))
    unit, plural = random.choice((("year", "years"), ("day", "days"), ("step", "steps"), ("month", "months")))
    rate, left, value = Var("f64", 0), Var("i32", 1), Var("f64", 2)
    size = random.choice((8, 16, 32, 64))
    one = Const("f64", 1)
    step, said = random.choice(
        (
            (Binary("f64", "mul", value, Binary("f64", "sub", one, rate)), "multiply by (1 - rate)"),
            (Binary("f64", "add", value, rate), "add rate"),
            (Binary("f64", "mul", value, rate), "multiply by rate"),
            (Binary("f64", "add", Binary("f64", "mul", value, rate), one), "multiply by rate and add 1"),
            (Binary("f64", "mul", value, Binary("f64", "add", one, rate)), "multiply by (1 + rate)"),
            (
                Binary("f64", "sub", Binary("f64", "mul", value, rate), Const("f64", 2)),
                "multiply by rate and subtract 2",
            ),
        )
    )  # fmt: skip
    if random.random() < 0.5:
        cut = Set(1, Binary("i32", "rem_u", left, Const("i32", size)))
        limit = f"The number of {plural} is ({plural} modulo {size})."
    else:
        cut, limit = limited(random, plural, 1, size.bit_length() - 1)  # type: ignore[assignment]
    turn = Until(Unary("i32", "eqz", left), (Set(2, step), Set(1, Binary("i32", "sub", left, Const("i32", 1)))))
    prompt = random.choice(
        (
            f"Return the value after some {plural} at a rate: start with {first} and {said} once for each {unit}. "
            f"{limit}",
            f"Start with {first} and {said} for each of the {plural}, and return the value. {limit}",
        )
    )
    return define(
        random, "growth", ["f64", "i32"], value, prompt, cut, Set(2, Const("f64", first)), turn, extra=["f64"]
    )


FAMILIES = (
    formula,
    formula,
    formula,
    told,
    told,
    polynomial,
    polynomial,
    units,
    clock,
    generator,
    generator,
    points,
    growth,
)
