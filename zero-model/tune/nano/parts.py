"""Functions over the parts of a number: digits, bytes, bits at places that are given, channels of a colour."""

from random import Random

from nano import draw
from nano.expr import Binary, Const, Expr, If, Unary, Var
from nano.function import Function, define
from nano.program import Set, Statement, Until, When
from nano.words import Voice

ZERO, ONE = Const("i32", 0), Const("i32", 1)
N = Var("i32", 0)
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 8: "eight"}


def gathered(random: Random, part: Var, total: Var, voice: Voice) -> tuple[str, list[Statement], list[Statement], str]:
    """What is made of all parts: a word for it, how it starts, how it goes on, and which parts count."""
    test, which = None, ""
    if random.random() < 0.45:
        bound = Const("i32", random.choice((0, 1, 3, 5, 7, 4, 100, 128)))
        test = random.choice(
            (
                Binary("i32", "gt_u", part, bound), Binary("i32", "ne", part, bound), Binary("i32", "eq", part, bound),
                Unary("i32", "eqz", Binary("i32", "rem_u", part, Const("i32", random.choice((2, 2, 3))))),
                Binary("i32", "lt_u", part, Const("i32", 5)),
            )
        )  # fmt: skip
        which = voice.condition(test)
    square = Binary("i32", "mul", part, part)
    cube = Binary("i32", "mul", square, part)
    table: dict[str, tuple[Expr, Expr | None]] = {
        "the sum of": (Binary("i32", "add", total, part), None),
        "the sum of the squares of": (Binary("i32", "add", total, square), None),
        "the sum of the cubes of": (Binary("i32", "add", total, cube), None),
        "the product of": (Binary("i32", "mul", total, part), ONE),
        "the exclusive or of": (Binary("i32", "xor", total, part), None),
        "the largest of": (If("i32", Binary("i32", "gt_u", part, total), part, total), None),
        "the smallest of": (If("i32", Binary("i32", "lt_u", part, total), part, total), Const("i32", 255)),
        "how many": (Binary("i32", "add", total, ONE), None),
    }
    word = random.choice([*table, "the sum of", "how many"])
    if word == "how many" and test is None:
        word = "the sum of"
    if word == "the smallest of" and test is not None:
        word = "the product of"
    update, start = table[word]
    body: list[Statement] = [Set(total.at, update)]
    return (
        word,
        [Set(total.at, start)] if start else [],
        [When(test, tuple(body))] if test is not None else body,
        which,
    )


def digits(random: Random) -> Function:
    """Something over the digits of a number in some base."""
    base = random.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 10, 16))
    name = random.choice(("n", "n", "n", "x", "number"))
    total, digit = Var("i32", 1), Var("i32", 2)
    voice = Voice(["", "", "d"], random)
    word, start, update, which = gathered(random, digit, total, voice)
    if word == "the smallest of":
        start = [Set(1, Const("i32", base - 1))]
    kind = "decimal digits" if base == 10 else f"digits in base {base}"
    clause = f" d for which {which}" if which else ""
    whose = random.choice((f"of the unsigned number {name}", f"of the unsigned {name}"))
    prompt = random.choice(
        (f"Return {word} the {kind}{clause} {whose}.", f"Return {word} the {kind} {whose}." if not which else "")
    )
    if which:
        prompt = f"Return {word} the {kind} d {whose} for which {which}."
    if word == "how many":
        prompt = random.choice(
            (f"Return how many {kind} d {whose} there are for which {which}.",
             f"Count the {kind} d {whose} for which {which}.")
        )  # fmt: skip
    result: Expr = total
    result, prompt = _then(random, result, prompt)
    by = Const("i32", base)
    turn = Until(
        Unary("i32", "eqz", N),
        (Set(2, Binary("i32", "rem_u", N, by)), *update, Set(0, Binary("i32", "div_u", N, by))),
    )
    return define(random, "digits", ["i32"], result, prompt, *start, turn, extra=["i32", "i32"])


def _then(random: Random, result: Expr, prompt: str) -> tuple[Expr, str]:
    """Sometimes a last step."""
    if random.random() < 0.6 or not prompt.startswith("Return "):
        return result, prompt
    value = Const("i32", random.randrange(1, 50))
    op, said = random.choice((("add", ", plus {}."), ("mul", ", times {}."), ("rem_u", ", modulo {}.")))
    if op == "rem_u":
        value = Const("i32", random.randrange(2, 50))
    if random.random() < 0.4:
        return Binary("i32", "eq", result, value), f"Return 1 if {prompt[7:-1]} is {value.value}, else 0."
    return Binary("i32", op, result, value), prompt[:-1] + said.format(value.value)


def rewritten(random: Random) -> Function:
    """A number made of the digits of another."""
    base, into = random.choice(((10, 10), (10, 16), (8, 10), (2, 10), (10, 8), (3, 4), (5, 10), (2, 3)))
    place, total = Var("i32", 1), Var("i32", 2)
    digit: Expr = Binary("i32", "rem_u", N, Const("i32", base))
    change, said = random.choice(
        (
            (Binary("i32", "add", digit, ONE), "plus 1"),
            (Binary("i32", "sub", Const("i32", base - 1), digit), f"taken from {base - 1}"),
            (Binary("i32", "mul", digit, Const("i32", 2)), "doubled"),
        )
    )
    kind = "decimal digit" if base == 10 else f"digit in base {base}"
    turn = Until(
        Unary("i32", "eqz", N),
        (
            Set(2, Binary("i32", "add", total, Binary("i32", "mul", change, place))),
            Set(1, Binary("i32", "mul", place, Const("i32", into))),
            Set(0, Binary("i32", "div_u", N, Const("i32", base))),
        ),
    )
    prompt = (
        f"Take each {kind} of the unsigned number n, {said}, as a digit in base {into}, and return that number "
        "modulo 2^32."
    )
    return define(random, "rewritten", ["i32"], total, prompt, Set(1, ONE), turn, extra=["i32", "i32"])


def pieces(random: Random) -> Function:
    """Something over the bytes, half bytes or halves of a number."""
    size, count, word = random.choice(((8, 4, "bytes"), (8, 4, "bytes"), (8, 4, "bytes"), (4, 8, "half bytes")))
    left, total, part = Var("i32", 1), Var("i32", 2), Var("i32", 3)
    voice = Voice(["", "", "", "b"], random)
    what, start, update, which = gathered(random, part, total, voice)
    if what == "the smallest of":
        start = [Set(2, Const("i32", (1 << size) - 1))]
    name = random.choice(("n", "n", "x", "v"))
    clause = f" for which {which}" if which else ""
    prompt = f"Return {what} the {_COUNTS[count]} {word} {'b ' if which else ''}of {name}{clause}."
    if not which and random.random() < 0.3:
        prompt = f"{prompt[:-1]}, all unsigned."
    result, prompt = _then(random, total, prompt)
    turn = Until(
        Binary("i32", "ge_u", left, Const("i32", count)),
        (
            Set(3, Binary("i32", "and", N, Const("i32", (1 << size) - 1))), *update,
            Set(0, Binary("i32", "shr_u", N, Const("i32", size))), Set(1, Binary("i32", "add", left, ONE)),
        ),
    )  # fmt: skip
    return define(random, "pieces", ["i32"], result, prompt, *start, turn, extra=["i32"] * 3)


def hashes(random: Random) -> Function:
    """A state that takes in the bytes of a number one after the other."""
    name = random.choice(("n", "x", "v"))
    first = random.choice((0, 1, 17, 5381, random.randrange(1, 1 << 31)))
    factor = random.choice((31, 33, 37, 65599, random.randrange(3, 1 << 24)))
    left, state = Var("i32", 1), Var("i32", 2)
    byte = Binary("i32", "and", N, Const("i32", 255))
    mix = random.choice(("xor", "add"))
    times = Const("i32", factor)
    if random.random() < 0.5:
        value = Binary("i32", "add", Binary("i32", "mul", state, times), byte)
        if mix == "xor":
            value = Binary("i32", "xor", Binary("i32", "mul", state, times), byte)
        said = f"multiply by {factor} and {mix} it{' in' if mix == 'xor' else ''}"
    else:
        value = Binary("i32", "mul", Binary("i32", mix, state, byte), times)
        said = f"{mix} it{' in' if mix == 'xor' else ''} and multiply by {factor}"
    count = random.choice((2, 3, 4, 4))
    turn = Until(
        Binary("i32", "ge_u", left, Const("i32", count)),
        (
            Set(2, value), Set(0, Binary("i32", "shr_u", N, Const("i32", 8))),
            Set(1, Binary("i32", "add", left, ONE)),
        ),
    )  # fmt: skip
    lowest = f"the {_COUNTS[count]} {'bytes' if count == 4 else 'lowest bytes'} of {name}, lowest byte first"
    prompt = random.choice(
        (
            f"Return a hash of {lowest}: start with {first}, and for each byte {said}.",
            f"Hash {lowest}. Start with {first}; for each byte {said}. Return the last value modulo 2^32.",
        )
    )
    begin = [Set(2, Const("i32", first))] if first else []
    return define(random, "hashes", ["i32"], state, prompt, *begin, turn, extra=["i32", "i32"])


def places(random: Random) -> Function:
    """Bits at a place that a parameter gives."""
    type_ = random.choice(("i32", "i32", "i64"))
    names = random.choice((("n", "position"), ("x", "k"), ("n", "i"), ("value", "count"), ("n", "count")))
    n, at = Var(type_, 0), Var(type_, 1)
    one, all_ones = Const(type_, 1), Const(type_, -1)
    bit = Binary(type_, "shl", one, at)
    ones = Binary(type_, "sub", bit, one)
    low = 5 if type_ == "i32" else 6
    a, k = names
    table: tuple[tuple[Expr, str], ...] = (
        (Binary(type_, "and", n, Binary(type_, "xor", bit, all_ones)), f"Set the bit at the {k} of {a} to 0"),
        (Binary(type_, "and", n, Binary(type_, "xor", bit, all_ones)), f"Clear the bit at position {k} of {a}"),
        (Binary(type_, "xor", n, bit), f"Flip the bit at the {k} of {a}"),
        (Binary(type_, "xor", n, bit), f"Toggle the bit at position {k} of {a}"),
        (Binary(type_, "and", Binary(type_, "shr_u", n, at), one), f"Return the bit at position {k} of {a}"),
        (Binary(type_, "rotr", n, at), f"Rotate the bits of {a} to the right by {k} positions"),
        (Binary(type_, "and", n, ones), f"Keep only the lowest {k} bits of {a}"),
        (Binary(type_, "or", n, ones), f"Set the lowest {k} bits of {a} to 1"),
        (Binary(type_, "shl", n, at), f"Shift {a} to the left by {k} positions"),
        (Binary(type_, "or", n, bit), f"Set the bit at position {k} of {a} to 1"),
        (Binary(type_, "rotl", n, at), f"Rotate the bits of {a} to the left by {k} positions"),
    )
    expr, prompt = random.choice(table)
    value = Const(type_, draw.constant(random, type_))
    if random.random() < 0.4:
        op, said = random.choice((("xor", "xor it with"), ("add", "add"), ("and", "and it with")))
        expr, prompt = Binary(type_, op, expr, value), f"{prompt}, then {said} {value.value}"
    prompt += random.choice(
        (f"; only the lowest {low} bits of {k} matter.", f"; only the lowest {low} bits of {k} count.", ".")
    )
    return define(random, "places", [type_, type_], expr, prompt)


def tricks(random: Random) -> Function:
    """What is known of the lowest or highest set bit, combined."""
    type_ = random.choice(("i32", "i32", "i64"))
    size = 32 if type_ == "i32" else 64
    n, one = Var(type_, 0), Const(type_, 1)
    name = random.choice(("n", "n", "x"))
    lowest = Binary(type_, "and", n, Binary(type_, "sub", Const(type_, 0), n))
    cleared = Binary(type_, "and", n, Binary(type_, "sub", n, one))
    swapped = {
        4: 252645135, 8: 16711935,
    }  # fmt: skip
    highest = Binary(type_, "sub", Const(type_, size - 1), Unary(type_, "clz", n))
    value = Const(type_, draw.constant(random, type_))
    atoms: list[tuple[Expr, str]] = [
        (lowest, f"the lowest set bit of {name} alone"),
        (cleared, f"{name} without its lowest set bit"),
        (Unary(type_, "popcnt", n), f"the number of set bits of {name}"),
        (Unary(type_, "ctz", n), f"the position of the lowest set bit of {name}"),
        (highest, f"the position of the highest set bit of {name}"),
        (Binary(type_, "or", n, Binary(type_, "add", n, one)), f"{name} with its lowest zero bit set"),
        (Binary(type_, "xor", n, Binary(type_, "shr_u", n, one)), f"{name} xor {name} shifted right by 1"),
        (
            Unary(type_, "popcnt", Binary(type_, "xor", n, Binary(type_, "shr_u", n, one))),
            f"how many bits of {name} differ from the next higher bit",
        ),
    ]  # fmt: skip
    expr, said = random.choice(atoms)
    kind = random.randrange(5)
    if kind == 0:
        op, word = random.choice((("add", "plus"), ("sub", "minus"), ("mul", "times"), ("xor", "xor")))
        return define(
            random, "tricks", [type_], Binary(type_, op, expr, value), f"Return {said}, {word} {value.value}."
        )
    if kind == 1:
        other, told = random.choice(atoms)
        op, word = random.choice((("add", "plus"), ("sub", "minus"), ("xor", "xor")))
        return define(random, "tricks", [type_], Binary(type_, op, expr, other), f"Return {said}, {word} {told}.")
    if kind == 2:
        least = random.randrange(1, 20)
        test = Binary("i32", random.choice(("eq", "gt_u", "lt_u")), expr, Const(type_, least))
        word = {"eq": "is", "gt_u": "is greater than", "lt_u": "is less than"}[test.op]
        return define(random, "tricks", [type_], test, f"Return 1 if {said} {word} {least}, else 0.")
    if kind == 3 and type_ == "i32":
        by = random.choice((4, 8))
        left = Binary("i32", "shl", Binary("i32", "and", n, Const("i32", swapped[by])), Const("i32", by))
        right = Binary("i32", "and", Binary("i32", "shr_u", n, Const("i32", by)), Const("i32", swapped[by]))
        word = {4: "the two half bytes of every byte", 8: "the two bytes of each half"}[by]
        return define(random, "tricks", ["i32"], Binary("i32", "or", left, right), f"Exchange {word} of {name}.")
    odd = Binary(type_, "and", Unary(type_, "popcnt", Binary(type_, "and", n, value)), one)
    result: Expr = Unary("i32", "i32.wrap_i64", odd) if type_ == "i64" else odd
    return define(
        random, "tricks", [type_], result,
        f"Return 1 if an odd number of the bits of {name} and {value.value} in common is set, else 0.",
    )  # fmt: skip


def pairs(random: Random) -> Function:
    """How the bits of two numbers compare."""
    type_ = random.choice(("i32", "i32", "i64"))
    names = draw.names(random, type_, 2)
    a, b = Var(type_, 0), Var(type_, 1)
    op, said = random.choice(
        (
            ("xor", f"the bits in which {names[0]} and {names[1]} are not the same"),
            ("and", f"the bits that are set in both {names[0]} and {names[1]}"),
            ("or", f"the bits that are set in {names[0]}, {names[1]} or both"),
        )
    )
    both: Expr = Binary(type_, op, a, b)
    limit = random.choice((0, 0, 8, 16))
    if limit:
        both = Binary(type_, "and", both, Const(type_, (1 << limit) - 1))
        said = said.replace(
            "the bits", f"the lowest {limit} bits" if limit == 8 else f"those of the lowest {limit} bits"
        )
    expr: Expr = Unary(type_, "popcnt", both)
    prompt = f"Count {said}."
    kind = random.randrange(3)
    if kind == 0:
        value = Const(type_, random.randrange(1, 20))
        expr = Binary(type_, "mul", expr, value)
        prompt = f"Count {said}, and return {value.value} times as much."
    elif kind == 1:
        value = Const(type_, random.randrange(1, 20))
        expr = Binary("i32", "gt_u", expr, value)
        prompt = f"Return 1 if {said} are more than {value.value}, else 0."
    elif type_ == "i64":
        expr = Unary("i32", "i32.wrap_i64", expr)
    return define(random, "pairs", [type_] * 2, expr, prompt)


def colours(random: Random) -> Function:
    """Three channels of a colour, weighed, packed or told apart."""
    name = random.choice(("colour", "c", "pixel"))
    red = Binary("i32", "and", Binary("i32", "shr_u", N, Const("i32", 16)), Const("i32", 255))
    green = Binary("i32", "and", Binary("i32", "shr_u", N, Const("i32", 8)), Const("i32", 255))
    blue = Binary("i32", "and", N, Const("i32", 255))
    channels = {"red": red, "green": green, "blue": blue}
    kind = random.randrange(4)
    if kind == 0:
        weights = [random.randrange(1, 200) for _ in range(3)]
        by = random.choice((2, 3, 16, 100, 128, 256, 1000))
        terms = [
            Binary("i32", "mul", value, Const("i32", w)) for value, w in zip(channels.values(), weights, strict=True)
        ]
        whole = Binary("i32", "add", Binary("i32", "add", terms[0], terms[1]), terms[2])
        said = " + ".join(f"{w} {word}" for word, w in zip(channels, weights, strict=True))
        expr: Expr = Binary("i32", "div_u", whole, Const("i32", by))
        prompt = f"Return the weight of a {name} 0x00RRGGBB: ({said}) divided by {by}, rounded down."
    elif kind == 1:
        depth = random.choice((2, 3, 4, 5, 6, 7))
        cut = [Binary("i32", "shr_u", value, Const("i32", 8 - depth)) for value in channels.values()]
        high = Binary("i32", "shl", cut[0], Const("i32", 2 * depth))
        middle = Binary("i32", "shl", cut[1], Const("i32", depth))
        expr = Binary("i32", "or", Binary("i32", "or", high, middle), cut[2])
        each = ", ".join(f"{depth} of {channel}" for channel in ("red", "green", "blue"))
        prompt = f"Convert a {name} 0x00RRGGBB to {3 * depth} bits: {each}, red highest."
    elif kind == 2:
        word = random.choice(list(channels))
        expr = channels[word]
        value = random.randrange(1, 255)
        op, told = random.choice((("add", "plus"), ("mul", "times"), ("sub", "minus")))
        expr = Binary("i32", op, expr, Const("i32", value))
        prompt = f"Return the {word} of a {name} 0x00RRGGBB, {told} {value}."
    else:
        one, other = random.sample(list(channels), 2)
        op, told = random.choice((("add", "sum"), ("sub", "difference"), ("mul", "product"), ("xor", "exclusive or")))
        expr = Binary("i32", op, channels[one], channels[other])
        prompt = f"Return the {told} of {one} and {other} of a {name} 0x00RRGGBB."
    return define(random, "colours", ["i32"], expr, prompt)


FAMILIES = (digits, digits, digits, rewritten, pieces, pieces, hashes, places, places, tricks, tricks, pairs, colours)
