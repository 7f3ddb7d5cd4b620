"""Functions that tell cases apart: extremes, limits, signs, exceptions, and what does not fit."""

from random import Random

from nano import draw
from nano.expr import Binary, Const, Expr, If, Let, Number, Unary, Var
from nano.function import Function, define
from nano.program import Set, When
from nano.words import Voice, listed


def _sign(voice: Voice) -> str:
    return "u" if voice.sign == "unsigned" else "s"


def _pick(type_: str, sign: str, larger: bool, a: Expr, b: Expr) -> Expr:
    """The larger or smaller of two values that are variables or constants."""
    if type_ == "f64":
        return Binary("f64", "max" if larger else "min", a, b)
    return If(type_, Binary("i32", f"{'gt' if larger else 'lt'}_{sign}", a, b), a, b)


def _voice(random: Random, type_: str, count: int) -> Voice:
    names = draw.names(random, type_, count)
    sign = None if type_ == "f64" else random.choice(("unsigned", "signed"))
    return Voice(names, random, sign)


def extremes(random: Random) -> Function:
    """The largest, smallest or both of some numbers, and what is done with them."""
    type_, count = random.choice(("i32", "i32", "i32", "i64", "f64")), random.choice((2, 2, 3))
    voice = _voice(random, type_, count)
    sign = _sign(voice)
    leaves = draw.variables(type_, count)
    kept = [Var(type_, count), Var(type_, count + 1)]
    words = ("larger", "smaller") if count == 2 else ("largest", "smallest")
    whole = listed(voice.names)
    if voice.sign and random.random() < 0.7:
        whole = f"the {voice.sign} numbers {whole}"
        voice.rest()

    def extreme(larger: bool, at: int) -> list[Set]:
        """Into one variable, through as many choices as it takes."""
        found = [Set(at, _pick(type_, sign, larger, leaves[0], leaves[1]))]
        for leaf in leaves[2:]:
            found.append(Set(at, _pick(type_, sign, larger, Var(type_, at), leaf)))
        return found

    larger = random.random() < 0.5
    word, other = words if larger else reversed(words)
    first = extreme(larger, count)
    value = Const(type_, draw.constant(random, type_))
    name = random.choice(voice.names)
    at = Var(type_, list(voice.names).index(name))
    both = [*first, *extreme(not larger, count + 1)]
    op, joined = random.choice((("add", "sum"), ("sub", "difference"), ("mul", "product")))
    plain = random.random() < 0.3 and first
    if plain:
        prompt = f"Return the {word} of {whole}."
        if count == 2:
            return define(random, "extremes", [type_] * 2, first[0].value, prompt + voice.rest())
        return define(random, "extremes", [type_] * 3, kept[0], prompt + voice.rest(), *first, extra=[type_])
    if random.random() < 0.5:
        result: Expr = Binary(type_, op, kept[0], kept[1])
        prompt = f"Return the {joined} of the {word} and the {other} of {whole}."
        if op == "sub" and random.random() < 0.5:
            prompt = f"Subtract the {other} of {whole} from the {word}."
        return define(random, "extremes", [type_] * count, result, prompt + voice.rest(), *both, extra=[type_] * 2)
    second, said = random.choice(((value, voice.formula(value)), (at, name)))
    result = Binary(type_, op, kept[0], second)
    by = {"add": "plus", "sub": "minus", "mul": "times"}[op]
    prompt = f"Return the {word} of {whole}, {by} {said}."
    return define(random, "extremes", [type_] * count, result, prompt + voice.rest(), *first, extra=[type_])


def limits(random: Random) -> Function:
    """A value that is kept within a range."""
    type_ = random.choice(("i32", "i32", "i32", "i64", "f64"))
    count = random.choice((1, 1, 2))
    voice = _voice(random, type_, count)
    sign = _sign(voice)
    leaves = draw.variables(type_, count)
    expr = draw.arithmetic(random, type_, leaves, random.choice((0, 0, 1)))
    expr = leaves[0] if isinstance(expr, Const) else expr
    low: Number = random.choice((0, 0, 1, 10, -1, -100, random.randrange(-50, 50)))
    low = abs(low) if sign == "u" else low
    high: Number = low + random.choice((1, 9, 100, 255, random.randrange(1, 1000)))
    if type_ == "f64" and random.random() < 0.3:
        low, high = low / 2, high / 2
    bottom, top, kept = Const(type_, low), Const(type_, high), Var(type_, count)
    said = voice.phrase(expr)
    shown = f"{voice.formula(bottom)} to {voice.formula(top)}"
    which = random.randrange(4)
    first = Set(count, expr)
    up = Set(count, _pick(type_, sign, True, kept, bottom))
    down = Set(count, _pick(type_, sign, False, kept, top))
    result: Expr = kept
    if which == 0:
        statements = [first, up]
        prompt = f"Return {said}, but not below {voice.formula(bottom)}."
    elif which == 1:
        statements = [first, down]
        prompt = random.choice(
            (f"Return {said}, but at most {voice.formula(top)}.", f"Return {said}, but not above {voice.formula(top)}.")
        )
    else:
        statements = [first, up, down]
        prompt = f"Limit {said} to the range from {shown}."
        if which == 3:
            result = draw.arithmetic(random, type_, [kept], random.choice((1, 2)))
            name = voice.names[0] if expr == leaves[0] else "v"
            told = Voice([*voice.names[:count], name] if count == 1 else [*voice.names, name], random, voice.sign)
            told.rest()
            text = told.formula(result)
            called = "" if expr == leaves[0] else " and call it v"
            prompt = f"Limit {said} to the range from {shown}{called}, then compute {text}."
    return define(random, "limits", [type_] * count, result, prompt + voice.rest(), *statements, extra=[type_])


def ranges(random: Random) -> Function:
    """Whether a value lies between two others, or how far outside."""
    type_, count = random.choice(("i32", "i32", "i64", "f64")), random.choice((1, 3))
    names = ["x", "low", "high"] if count == 3 else draw.names(random, type_, 1)
    sign = None if type_ == "f64" else random.choice(("unsigned", "signed"))
    voice = Voice(names, random, sign)
    mark = "" if type_ == "f64" else "_" + _sign(voice)
    x = Var(type_, 0)
    a = random.randrange(0, 100)
    low, high = (
        (Var(type_, 1), Var(type_, 2)) if count == 3 else (Const(type_, a), Const(type_, a + random.randrange(2, 1000)))
    )
    above, below = Binary("i32", "ge" + mark, x, low), Binary("i32", "le" + mark, x, high)
    inside = Binary("i32", "and", above, below)
    shown = f"{voice.formula(low)} to {voice.formula(high)}"
    said = voice.phrase(x)
    result, prompt = random.choice(
        (
            (inside, f"Return 1 if {said} is in the range from {shown}, else 0."),
            (inside, f"Return 1 if {said} is between {shown.replace(' to ', ' and ')}, both included, else 0."),
            (Unary("i32", "eqz", inside), f"Return 1 if {said} is outside of the range from {shown}, else 0."),
            (If(type_, inside, x, Const(type_, 0)), f"Return {said} if it is in the range from {shown}, else 0."),
        )
    )
    return define(random, "ranges", [type_] * count, result, prompt + voice.rest())


def signs(random: Random) -> Function:
    """Values by sign, and sizes without it."""
    type_ = random.choice(("i32", "i32", "i64", "f64"))
    count = random.choice((1, 2))
    voice = Voice(draw.names(random, type_, count), random, None if type_ == "f64" else "signed")
    leaves = draw.variables(type_, count)
    mark = "" if type_ == "f64" else "_s"
    zero = Const(type_, 0)
    which = random.randrange(3)
    if which == 0:
        values = [Const("i32", random.choice((-1, 0, 1, 2, random.randrange(-20, 100)))) for _ in range(3)]
        subject = leaves[0] if count == 1 else Binary(type_, "sub", leaves[0], leaves[1])
        shown = voice.phrase(subject)
        below, above = Binary("i32", "lt" + mark, subject, zero), Binary("i32", "gt" + mark, subject, zero)
        result: Expr = If("i32", below, values[0], If("i32", above, values[2], values[1]))
        texts = [voice.formula(value) for value in values]
        prompt = random.choice(
            (
                f"Return {texts[0]}, {texts[1]} or {texts[2]} as {shown} is negative, zero or positive.",
                f"Return {texts[0]} if {shown} is negative, {texts[1]} if it is zero and {texts[2]} if it is positive.",
            )
        )
        return define(random, "signs", [type_] * count, result, prompt + voice.rest())
    if which == 1:
        inner = draw.arithmetic(random, type_, leaves, 1)
        if not isinstance(inner, Binary):
            inner = Binary(type_, "sub", leaves[0], leaves[-1] if count > 1 else Const(type_, 7))
    else:
        inner = Binary(type_, "sub", leaves[0], leaves[1] if count > 1 else Const(type_, random.randrange(1, 500)))
    said = voice.phrase(inner)
    if which == 2:
        a, b = voice.phrase(inner.left), voice.formula(inner.right)
        said = f"{a} - {b}"
    kept = Var(type_, count)
    if type_ == "f64":
        size: Expr = Unary("f64", "abs", inner)
    else:
        size = Let(
            type_, count, inner, If(type_, Binary("i32", "lt_s", kept, zero), Binary(type_, "sub", zero, kept), kept)
        )
    told = f"the absolute value of {said}"
    if which == 2 and random.random() < 0.7:
        told = random.choice((f"the absolute difference of {a} and {b}", f"the distance between {a} and {b}"))
    prompt = f"Return {told}."
    if random.random() < 0.6:
        op, word = random.choice((("mul", "times"), ("add", "plus"), ("sub", "minus")))
        value = Const(type_, draw.constant(random, type_))
        size = Binary(type_, op, size, value)
        prompt = f"Return {told}, {word} {voice.formula(value)}."
    return define(
        random, "signs", [type_] * count, size, prompt + voice.rest(), extra=[] if type_ == "f64" else [type_]
    )


def guards(random: Random) -> Function:
    """Something with another answer for special numbers."""
    type_ = random.choice(("i32", "i32", "i64", "f64"))
    count = random.choice((1, 2))
    voice = draw.voice(random, type_, count)
    leaves = draw.variables(type_, count)
    expr = draw.arithmetic(random, type_, leaves, random.choice((1, 2)))
    if random.random() < 0.4 and type_ != "f64":
        expr = Unary(type_, random.choice(("clz", "ctz", "popcnt")), leaves[0])
    at = random.randrange(count)
    name = voice.names[at]
    special = Const(type_, random.choice((0, 0, 0, 1, 10)))
    instead = Const(type_, random.choice((0, 0, -1, 1, draw.constant(random, type_))))
    said = voice.phrase(expr)
    other = voice.formula(instead)
    number = voice.formula(special)
    equal = Unary("i32", "eqz", leaves[at]) if special.value == 0 and type_ != "f64" else None
    test = equal or Binary("i32", "eq", leaves[at], special)
    ways = [f"Return {said}, or {other} if {name} is {number}.", f"Return {said}; {other} if {name} is {number}."]
    if count == 1:
        ways += [f"Return {said}; for {number} the answer is {other}.", f"Return {said}; for {number} it is {other}."]
    prompt = random.choice(ways)
    if random.random() < 0.3 and type_ == "f64":
        test = Binary("i32", "le", leaves[at], special)
        prompt = f"Return {said}; {other} if {name} is not greater than {number}."
    return define(random, "guards", [type_] * count, If(type_, test, instead, expr), prompt + voice.rest())


def ratio(random: Random) -> Function:
    """A quotient that is rounded in some way, with a number for what cannot be divided."""
    a, b = Var("i32", 0), Var("i32", 1)
    names = draw.names(random, "i32", 2)
    both = random.random() < 0.4
    by: Expr = b if both else Const("i32", random.choice((2, 3, 5, 7, 8, 10, 12, 60, 100, random.randrange(2, 1000))))
    said = names[1] if both else Voice(names, random).formula(by)
    quotient, rest = Binary("i32", "div_u", a, by), Binary("i32", "rem_u", a, by)
    more = Binary("i32", "ne", rest, Const("i32", 0))
    upper = Binary("i32", "add", quotient, more)
    near = Binary("i32", "div_u", Binary("i32", "add", a, Binary("i32", "shr_u", by, Const("i32", 1))), by)
    n = f"the unsigned {names[0]}"
    choices: list[tuple[Expr, str]] = [
        (upper, f"Divide {n} by {said} and round up"),
        (Binary("i32", "mul", upper, by), f"Round {n} up to a multiple of {said}"),
        (Binary("i32", "mul", quotient, by), f"Round {n} down to a multiple of {said}"),
        (Binary("i32", "sub", by, rest), f"Return how much is missing from {n} to the next greater multiple of {said}"),
        (Binary("i32", "add", quotient, rest), f"Return the sum of quotient and remainder of {n} divided by {said}"),
        (
            Binary("i32", "mul", quotient, rest),
            f"Return the product of quotient and remainder of {n} divided by {said}",
        ),
        (Unary("i32", "eqz", rest), f"Return 1 if {n} is a multiple of {said}, else 0"),
    ]  # fmt: skip
    if not both:
        choices.append((near, f"Divide {n} by {said} and round to the nearest"))
    expr, prompt = random.choice(choices)
    if not both:
        return define(random, "ratio", ["i32"], expr, f"{prompt}.")
    other = random.choice((0, 0, -1, 1))
    prompt += random.choice(
        (
            f"; division by 0 gives {other}.",
            f". For {said} = 0 the answer is {other}.",
            f"; it is {other} if {said} is 0.",
        )
    )
    prompt += random.choice((f" {said} is unsigned too.", " Both are unsigned.", ""))
    tested = When(Unary("i32", "eqz", b), (Set(2, Const("i32", other)),), (Set(2, expr),))
    return define(random, "ratio", ["i32"] * 2, Var("i32", 2), prompt, tested, extra=["i32"])


def wide(random: Random) -> Function:
    """What 32 bits cannot hold: it is computed with 64, then cut, limited or asked about."""
    sign = random.choice(("signed", "unsigned"))
    names = draw.names(random, "i32", 2)
    extend = f"i64.extend_i32_{sign[0]}"
    a, b = (Unary("i64", extend, Var("i32", at)) for at in range(2))
    op, word = random.choice((("add", "sum"), ("sub", "difference"), ("mul", "product")))
    value = Binary("i64", op, a, b)
    told = f"of the {sign} numbers {names[0]} and {names[1]}"
    shift = random.choice((4, 8, 16, 24, 31, 33, 40))
    factor = random.randrange(2, 200)
    bits = random.choice((8, 12, 16, 20, 24))
    kept = Var("i64", 2)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "signed" else (0, (1 << bits) - 1)
    fits = Binary(
        "i32", "or", Binary("i32", "lt_s", kept, Const("i64", low)), Binary("i32", "gt_s", kept, Const("i64", high))
    )
    cut = If("i64", Binary("i32", "lt_s", kept, Const("i64", low)), Const("i64", low), kept)
    right = "shr_s" if sign == "signed" else "shr_u"
    above = If("i64", Binary("i32", "gt_s", kept, Const("i64", high)), Const("i64", high), kept)
    table: tuple[tuple[Expr, list[Set], str], ...] = (
        (value, [], f"Return the {word} {told} as a 64-bit number."),
        (Binary("i64", "mul", value, Const("i64", factor)), [], f"Return the 64-bit {word} {told}, times {factor}."),
        (
            Unary("i32", "i32.wrap_i64", Binary("i64", right, value, Const("i64", shift))), [],
            f"Return the 64-bit {word} {told}, shifted right by {shift}, as a 32-bit number.",
        ),
        (fits, [Set(2, value)], f"Return 1 if the {word} {told} does not fit {bits} bits, else 0."),
        (
            Unary("i32", "i32.wrap_i64", kept),
            [Set(2, value), Set(2, cut), Set(2, above)],
            f"Return the {word} {told}; what {bits} bits cannot hold becomes the nearest number that they can.",
        ),
        (
            Unary("i32", "i32.wrap_i64", Binary("i64", "rem_u", value, Const("i64", factor))), [],
            f"Return the 64-bit {word} {told} modulo {factor}.",
        ),
    )  # fmt: skip
    result, statements, prompt = random.choice(table[:3] if op == "sub" else table)
    return define(random, "wide", ["i32"] * 2, result, prompt, *statements, extra=["i64"] if statements else [])


def lookup(random: Random) -> Function:
    """A number for each of some numbers."""
    count = random.randrange(2, 6)
    first = random.choice((0, 1, 1, random.randrange(0, 20)))
    keys = [first + at for at in range(count)] if random.random() < 0.6 else sorted(random.sample(range(50), count))
    values = [random.randrange(0, random.choice((10, 32, 1000))) for _ in keys]
    last = random.choice((0, 0, -1, random.randrange(100)))
    name = random.choice(("n", "x", "month", "kind", "code", "level"))
    n = Var("i32", 0)
    expr: Expr = Const("i32", last)
    for key, value in zip(reversed(keys), reversed(values), strict=True):
        expr = If("i32", Binary("i32", "eq", n, Const("i32", key)), Const("i32", value), expr)
    pairs = [f"{value} if {name} is {key}" for key, value in zip(keys, values, strict=True)]
    prompt = random.choice(
        (
            f"Return {', '.join(pairs)}, else {last}.",
            f"Return {listed([str(value) for value in values])} for {name} = {listed([str(key) for key in keys])}. "
            f"Others have {last}.",
            f"{listed([str(key) for key in keys])} become {listed([str(value) for value in values])}; others than "
            f"these become {last}. Return what {name} becomes.",
        )
    )
    return define(random, "lookup", ["i32"], expr, prompt)


def among(random: Random) -> Function:
    """How many or which of three numbers are like something."""
    type_ = random.choice(("i32", "i32", "f64"))
    voice = _voice(random, type_, 3)
    leaves = draw.variables(type_, 3)
    mark = "" if type_ == "f64" else "_" + _sign(voice)
    bound: Expr = Const(type_, random.randrange(0, 200))
    said = voice.formula(bound)
    op, word = random.choice((("gt", "greater than"), ("lt", "less than"), ("ge", "at least"), ("eq", "equal to")))
    op += "" if op == "eq" else mark
    statements, extra = [], []
    if type_ == "f64" and random.random() < 0.6:
        total = Binary("f64", "add", Binary("f64", "add", leaves[0], leaves[1]), leaves[2])
        by = Const("f64", random.choice((2, 4, 5, 6)))
        statements, extra, bound = [Set(3, Binary("f64", "div", total, by))], ["f64"], Var("f64", 3)
        said = f"(x + y + z) / {by.value}".replace("x", voice.names[0]).replace("y", voice.names[1])
        said = said.replace("z", voice.names[2])
    expr: Expr = Binary("i32", op, leaves[0], bound)
    for leaf in leaves[1:]:
        expr = Binary("i32", "add", expr, Binary("i32", op, leaf, bound))
    whole = listed(voice.names)
    prompt = f"Return how many of {whole} are {word} {said}."
    if random.random() < 0.4:
        least = random.choice((2, 3, 1))
        expr = Binary("i32", "ge_u", expr, Const("i32", least))
        prompt = f"Return 1 if at least {least} of {whole} are {word} {said}, else 0."
    return define(random, "among", [type_] * 3, expr, prompt + voice.rest(), *statements, extra=extra)


FAMILIES = (extremes, extremes, limits, limits, ranges, signs, signs, guards, guards, ratio, ratio, wide, lookup, among)
