"""Functions with one loop over numbers: sums, sequences, repetition, search."""

from random import Random

from nano import draw
from nano.expr import Binary, Const, Expr, If, Unary, Var
from nano.function import Function, define
from nano.program import Set, Statement, Until, When
from nano.words import Voice

ONE = Const("i32", 1)


def limited(random: Random, names: str, at: int, bits: int) -> tuple[Statement, str]:
    """Only the lowest bits of a parameter count, so that a loop ends."""
    said = random.choice(
        (
            f"Only the lowest {bits} bits of {names} count.",
            f"Only the lowest {bits} bits of {names} count.",
            f"Of {names}, only the lowest {bits} bits count.",
        )
    )
    return Set(at, Binary("i32", "and", Var("i32", at), Const("i32", (1 << bits) - 1))), said


def counted(i: int, *update: Statement, first: int = 1, last: Expr | None = None) -> list[Statement]:
    """Runs the statements for i from 1, or another first number, to n (the first parameter)."""
    at = Var("i32", i)
    begin = [Set(i, Const("i32", first - 1))] if first != 1 else []
    step = Set(i, Binary("i32", "add", at, ONE))
    return [*begin, Until(Binary("i32", "ge_u", at, last or Var("i32", 0)), (step, *update))]


def accumulate(random: Random) -> Function:
    """A sum, a product or a count over i from 1 to n."""
    name = random.choice(("n", "n", "n", "k", "m"))
    cut, limit = limited(random, name, 0, random.choice((4, 5, 6, 7, 8)))
    i = Var("i32", 1)
    voice = Voice(["", "i"], random)
    test = _about(random, i) if random.random() < 0.5 else None
    counting = test is not None and random.random() < 0.4
    wide = random.choice(("i32", "i32", "i64"))
    term: Expr = Const("i32", 1) if counting else draw.arithmetic(random, "i32", [i], random.choice((0, 1, 1, 2)))
    value, said = term, voice.phrase(term)
    if not counting and random.random() < 0.4:
        value, said = random.choice(_powers(i))
    wide = "i32" if counting else wide
    total = Var(wide, 2)
    op = "add" if counting else random.choice(("add", "add", "add", "add", "xor", "mul"))
    start = [Set(2, Const(wide, 1))] if op == "mul" else []
    if wide == "i64":
        value = Unary("i64", "i64.extend_i32_u", value)
    update: Statement = Set(2, Binary(wide, op, total, value))
    if test is not None:
        update = When(test, (update,))
    which = f" for which {voice.condition(test)}" if test is not None else ""
    many = {"add": "sum", "xor": "exclusive or", "mul": "product"}[op]
    size = "" if random.random() < 0.3 else f" modulo 2^{wide[1:]}"
    comma = "," if size else ""
    plural = test is None and said in _PLURALS and op != "xor"
    if counting:
        prompt = random.choice(("Count the numbers i", "Return how many numbers i are there"))
        prompt = f"{prompt} from 1 to {name}{which}. {limit}"
    elif plural and random.random() < 0.7:
        prompt = f"Return the {many} of {_PLURALS[said]} from 1 to {name}{comma}{size}. {limit}"
    else:
        prompt = random.choice(
            (
                f"Return the {many} of {said} over all i from 1 to {name}{which}{comma}{size}. {limit}",
                f"Return the {many} of {said} for every i from 1 to {name}{which}{comma}{size}. {limit}",
                f"For every i from 1 to {name}{which}, compute {said}; return the {many}{size}. {limit}",
            )
        )
    return define(random, "accumulate", ["i32"], total, prompt, cut, *start, *counted(1, update), extra=["i32", wide])


_PLURALS = {
    "i": "the integers", "the square of i": "the squares of the integers", "i * i": "the squares of the integers",
    "the cube of i": "the cubes of the integers", "twice i": "the doubles of the integers",
    "i * (i + 1)": "the products i * (i + 1) of the integers", "i ^ (i + 1)": "the numbers i ^ (i + 1) for i",
}  # fmt: skip


def _powers(i: Expr, name: str = "i") -> list[tuple[Expr, str]]:
    square = Binary("i32", "mul", i, i)
    following = Binary("i32", "add", i, ONE)
    return [
        (i, name), (square, f"the square of {name}"), (square, f"{name} * {name}"),
        (Binary("i32", "mul", square, i), f"the cube of {name}"),
        (Binary("i32", "mul", i, Const("i32", 2)), f"twice {name}"),
        (Binary("i32", "mul", i, following), f"{name} * ({name} + 1)"),
        (Binary("i32", "xor", i, following), f"{name} ^ ({name} + 1)"),
    ]  # fmt: skip


def _about(random: Random, i: Expr) -> Expr:
    if random.random() < 0.6:
        by = Const("i32", random.choice((2, 3, 4, 5, 6, 7, 9, 10)))
        rest = Binary("i32", "rem_u", i, by)
        return Unary("i32", "eqz", rest) if random.random() < 0.7 else Binary("i32", "eq", rest, Const("i32", 1))
    return draw.comparison(random, "i32", [i])


def divisors(random: Random) -> Function:
    """Something over the numbers that divide n."""
    name = random.choice(("n", "n", "x", "m"))
    bits = random.choice((6, 8, 10))
    cut, limit = limited(random, name, 0, bits)
    n, i, total = Var("i32", 0), Var("i32", 1), Var("i32", 2)
    voice = Voice(["", "i"], random)
    term, what = random.choice(
        (
            (ONE, "Return how many numbers i"),
            (i, "Return the sum of all numbers i"),
            (Binary("i32", "mul", i, i), "Return the sum of the squares of all numbers i"),
        )
    )
    divides: Expr = Unary("i32", "eqz", Binary("i32", "rem_u", n, i))
    which = f"divide the unsigned number {name} without a remainder"
    if term is not ONE:
        what += " that"
    if random.random() < 0.3:
        wanted = random.randrange(1, 5)
        divides = Binary("i32", "eq", Binary("i32", "rem_u", n, i), Const("i32", wanted))
        which = f"leave the remainder {wanted} when {name} is divided by them"
    if random.random() < 0.7:
        test = _about(random, i)
        divides = Binary("i32", "and", divides, test)
        which += f" and for which {voice.condition(test)}"
    update = When(divides, (Set(2, Binary("i32", "add", total, term)),))
    prompt = f"{what} from 1 to {name} {which}. {limit}"
    return define(random, "divisors", ["i32"], total, prompt, cut, *counted(1, update), extra=["i32", "i32"])


def repeat(random: Random) -> Function:
    """One step, done k times."""
    names = random.choice((("x", "k"), ("a", "n"), ("x", "n"), ("x", "count")))
    bits = random.choice((3, 4, 5, 6))
    x, left = Var("i32", 0), Var("i32", 1)
    step = draw.chain(random, "i32", [x]) if random.random() < 0.5 else draw.arithmetic(random, "i32", [x], 2)
    voice = Voice(names, random)
    said = voice.phrase(step)
    if random.random() < 0.4:
        test = _about(random, x)
        other = draw.arithmetic(random, "i32", [x], 1)
        said = f"{said} if {voice.condition(test)} and else {voice.phrase(other)}"
        step = If("i32", test, step, other)
    cut, limit = limited(random, names[1], 1, bits)
    prompt = random.choice(
        (
            f"Replace {names[0]} by {said}, {names[1]} times, and return it. {limit}",
            f"Do this {names[1]} times: {names[0]} becomes {said}. Return the last {names[0]}. {limit}",
        )
    )
    turn = Until(Unary("i32", "eqz", left), (Set(0, step), Set(1, Binary("i32", "sub", left, ONE))))
    return define(random, "repeat", ["i32", "i32"], x, prompt, cut, turn)


def rounds(random: Random) -> Function:
    """One step, done a constant number of times."""
    type_ = random.choice(("i32", "i64", "f64"))
    times = random.randrange(2, 9)
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
    x, left = Var(type_, 0), Var("i32", 1)
    step = draw.chain(random, type_, [x]) if random.random() < 0.3 else draw.arithmetic(random, type_, [x], 2)
    voice = Voice(draw.names(random, type_, 1), random)
    name = voice.names[0]
    said = voice.phrase(step)
    prompt = random.choice(
        (
            f"Take {words[times]} steps from {name}: the next value is {said}. Return the last one.",
            f"Replace {name} by {said}, {words[times]} times, and return it.",
            f"{words[times].capitalize()} times, {name} becomes {said}. Return {name}.",
        )
    )
    done = Binary("i32", "ge_u", left, Const("i32", times))
    turn = Until(done, (Set(0, step), Set(1, Binary("i32", "add", left, ONE))))
    return define(random, "rounds", [type_], x, prompt, turn, extra=["i32"])


def until(random: Random) -> Function:
    """How many steps a number takes to become small, or what it then is."""
    name = random.choice(("n", "x", "a"))
    x, count = Var("i32", 0), Var("i32", 1)
    by = random.choice((2, 3, 4, 5, 6, 8, 10))
    small = random.choice((0, 0, 1, 5, 9, 10, 99, 100, 1000))
    kind = random.randrange(3)
    voice = Voice([name], random)
    op = random.choice(("div_u", "shr_u"))
    step: Expr = Binary("i32", op, x, Const("i32", by if op == "div_u" else min(by, 5)))
    said = voice.phrase(step)
    if kind == 0:
        factor, more = random.choice((1, 2, 3)), random.randrange(1, 9)
        grown = Binary("i32", "add", _times(x, factor), Const("i32", more))
        half = Binary("i32", "shr_u", x, Const("i32", random.choice((2, 3))))
        even = Unary("i32", "eqz", Binary("i32", "rem_u", x, Const("i32", 2)))
        step = If("i32", even, half, Binary("i32", "shr_u", grown, ONE))
        said = f"{voice.phrase(half)} if it is even and else ({voice.formula(grown)}) / 2"
    done = Binary("i32", "le_u", x, Const("i32", small))
    turn = Until(done, (Set(0, step), Set(1, Binary("i32", "add", count, ONE))))
    if random.random() < 0.25:
        turn = Until(done, (Set(0, step),))
        prompt = f"Replace the unsigned number {name} by {said} until it is at most {small}, and return it."
        return define(random, "until", ["i32"], x, prompt, turn)
    prompt = random.choice(
        (
            f"Count how often {name} can be replaced by {said} until it is at most {small}. It is unsigned.",
            f"The unsigned number {name} becomes {said} again and again. Return after how many steps it is at most "
            f"{small}.",
            f"Return how many steps the unsigned number {name} takes to reach {small} or less: {name} becomes {said}.",
        )
    )
    return define(random, "until", ["i32"], count, prompt, turn, extra=["i32"])


def recurrence(random: Random) -> Function:
    """A sequence whose terms are made of the two before."""
    wide = random.choice(("i32", "i64"))
    cut, limit = limited(random, "n", 0, random.choice((4, 5, 6, 7, 8)))
    first, second = random.randrange(0, 6), random.randrange(1, 8)
    older, newer = Var(wide, 2), Var(wide, 3)
    term: Expr = Binary(wide, "add", _times(newer, random.randrange(1, 5)), _times(older, random.randrange(1, 5)))
    if right := random.randrange(0, 4):
        term = Binary(wide, "add", term, Const(wide, right))
    start = [Set(2, Const(wide, first)), Set(3, Const(wide, second))]
    update = [Set(4, term), Set(2, newer), Set(3, Var(wide, 4))]
    said = Voice(["", "", "s(n-2)", "s(n-1)"], random).formula(term)
    prompt = random.choice(
        (
            f"A sequence begins with s(0) = {first} and s(1) = {second}, and then s(n) = {said}, modulo 2^{wide[1:]}. "
            f"Return s(n). {limit}",
            f"Return the n-th number modulo 2^{wide[1:]} of the sequence s(n) = {said}, with s(0) = {first} and "
            f"s(1) = {second}. {limit}",
        )
    )
    return define(
        random, "recurrence", ["i32"], older, prompt, cut, *start, *counted(1, *update), extra=["i32", wide, wide, wide]
    )


def _times(value: Expr, factor: int) -> Expr:
    return value if factor == 1 else Binary(value.type, "mul", value, Const(value.type, factor))


def search(random: Random) -> Function:
    """The first number for which something holds."""
    n, k = Var("i32", 0), Var("i32", 1)
    name = random.choice(("n", "n", "x", "m"))
    term, said = random.choice(_powers(k, "k"))
    cut, limit = limited(random, name, 0, random.choice((8, 10, 12, 16)))
    extra = random.randrange(0, 10)
    whole: Expr = Binary("i32", "add", term, Const("i32", extra)) if extra > 4 else term
    told = f"{said} plus {extra}" if extra > 4 else said
    first = random.choice((0, 1, 1, 2, 3))
    done, which = random.choice(
        (
            (Binary("i32", "ge_u", whole, n), f"{told} is at least {name}"),
            (Binary("i32", "gt_u", whole, n), f"{told} is greater than {name}"),
        )
    )
    begin = [Set(1, Const("i32", first))] if first else []
    turn = Until(done, (Set(1, Binary("i32", "add", k, ONE)),))
    result: Expr = k
    what = f"the smallest unsigned number k from {first} up"
    if random.random() < 0.3:
        result, what = Binary("i32", "mul", k, k), f"the square of the smallest unsigned number k from {first} up"
    prompt = f"Return {what} for which {which}. {limit}"
    return define(random, "search", ["i32"], result, prompt, cut, *begin, turn, extra=["i32"])


def euclid(random: Random) -> Function:
    """The remainder of two numbers, again and again."""
    a, b, rest, count = (Var("i32", at) for at in range(4))
    names = random.choice((("a", "b"), ("x", "y"), ("m", "n")))
    turn = (Set(2, Binary("i32", "rem_u", a, b)), Set(0, b), Set(1, rest))
    whole = "greatest common divisor of {} and {}".format(*names)
    factor = random.randrange(2, 100)
    kind = random.randrange(4)
    if kind == 0:
        loop = Until(Unary("i32", "eqz", b), (*turn, Set(3, Binary("i32", "add", count, ONE))))
        prompt = (
            f"Count the divisions that Euclid's algorithm makes for the unsigned numbers {names[0]} and {names[1]}: "
            f"until {names[1]} is 0, {names[0]} becomes {names[1]} and {names[1]} the remainder."
        )
        if factor < 40:
            prompt = prompt[:-1] + f". Add {factor} to it."
            return define(
                random, "euclid", ["i32"] * 2, Binary("i32", "add", count, Const("i32", factor)), prompt, loop,
                extra=["i32"] * 2,
            )  # fmt: skip
        return define(random, "euclid", ["i32"] * 2, count, prompt, loop, extra=["i32"] * 2)
    loop = Until(Unary("i32", "eqz", b), turn)
    value = Const("i32", factor)
    result, said = (
        (Binary("i32", "eq", a, value), f"Return 1 if the {whole} is {factor}, else 0."),
        (Binary("i32", "gt_u", a, value), f"Return 1 if the {whole} is greater than {factor}, else 0."),
        (Binary("i32", random.choice(("add", "mul")), a, value), ""),
    )[kind - 1]
    if isinstance(result, Binary) and not said:
        said = f"Return the {whole}, " + ("plus " if result.op == "add" else "times ") + f"{factor}."
    return define(random, "euclid", ["i32"] * 2, result, f"{said} Both are unsigned.", loop, extra=["i32"])


FAMILIES = (accumulate, accumulate, divisors, repeat, rounds, until, recurrence, search, euclid)
