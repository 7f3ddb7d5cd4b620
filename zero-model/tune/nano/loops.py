"""Functions with one loop."""

from collections.abc import Callable, Sequence
from random import Random

from nano import draw, words
from nano.expr import Binary, Const, Expr, Number, Unary, UndefinedError, Var, code, compute, unsigned, wrapped
from nano.function import Function

MOST = 1 << 14


def _counted(update: list[str], after: list[str]) -> tuple[str, ...]:
    """Runs `update` for i (local 1) from 1 to n (local 0)."""
    return (
        "block", "loop", "local.get 1", "local.get 0", "i32.ge_u", "br_if 1", "local.get 1", "i32.const 1", "i32.add",
        "local.set 1", *update, "br 0", "end", "end", *after,
    )  # fmt: skip


def _limited(random: Random, name: str) -> tuple[int, list[str], str]:
    """How many of the lowest bits of n count, so that the loop ends."""
    count = random.choice((4, 4, 5, 5, 6, 7, 8))
    mask = (1 << count) - 1
    said = random.choice(
        (f"Only the lowest {count} bits of {name} count.", f"Of {name}, only the lowest {count} bits count.")
    )
    return mask, ["local.get 0", f"i32.const {mask}", "i32.and", "local.set 0"], said


def accumulate(random: Random) -> Function:
    """A sum, a product or a count over i from 1 to n."""
    name = random.choice(("n", "n", "k", "m"))
    mask, prologue, limit = _limited(random, name)
    i = Var("i32", 1)
    test = _about(random, i) if random.random() < 0.5 else None
    counting = test is not None and random.random() < 0.5
    term: Expr = Const("i32", 1) if counting else draw.arithmetic(random, "i32", [i], random.choice((0, 1, 1, 2)))
    op = "add" if counting else random.choice(("add", "add", "add", "xor", "mul"))
    start = 1 if op == "mul" else 0
    update = ["local.get 2", *code(term), f"i32.{op}", "local.set 2"]
    if test is not None:
        update = [*code(test), "if", *update, "end"]
    begin = [*prologue, *(["i32.const 1", "local.set 2"] if start else [])]
    names = ["", "i", ""]
    said = words.phrase(term, names, random)
    which = f" for which {words.condition(test, names, random)}" if test is not None else ""
    many = {"add": "sum", "xor": "exclusive or", "mul": "product"}[op]
    if counting:
        prompt = f"Count the numbers i from 1 to {name}{which}. {limit}"
    else:
        prompt = random.choice(
            (
                f"Return the {many} of {said} over all i from 1 to {name}{which}, modulo 2^32. {limit}",
                f"For every i from 1 to {name}{which}, compute {said}; return the {many} modulo 2^32. {limit}",
            )
        )

    def run(values: Sequence[Number]) -> Number:
        total: Number = start
        for number in range(1, (int(values[0]) & mask) + 1):
            state = (0, number, 0)
            if test is None or compute(test, state):
                total = compute(Binary("i32", op, Const("i32", total), term), state)
        return total

    return _loop(random, "accumulate", ("i32",), prompt, [*begin, *_counted(update, ["local.get 2"])], 2, run)


def _about(random: Random, i: Expr) -> Expr:
    if random.random() < 0.6:
        by = Const("i32", random.choice((2, 3, 4, 5, 6, 7, 9, 10)))
        rest = Binary("i32", "rem_u", i, by)
        return Unary("i32", "eqz", rest) if random.random() < 0.7 else Binary("i32", "eq", rest, Const("i32", 1))
    return draw.comparison(random, "i32", [i])


def digits(random: Random) -> Function:
    """Something over the digits of a number in some base."""
    base = random.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 16))
    name = random.choice(("n", "x", "number"))
    digit = Var("i32", 2)
    test = None
    kind = random.randrange(3)
    if kind == 0:
        term: Expr = draw.arithmetic(random, "i32", [digit], random.choice((0, 1)))
    else:
        term = Const("i32", 1) if kind == 1 else digit
        wanted = random.randrange(base)
        op = random.choice(("eq", "ne", "gt_u", "lt_u"))
        test = Binary("i32", op, digit, Const("i32", wanted))
    update = ["local.get 1", *code(term), "i32.add", "local.set 1"]
    if test is not None:
        update = [*code(test), "if", *update, "end"]
    body = (
        "block", "loop", "local.get 0", "i32.eqz", "br_if 1", "local.get 0", f"i32.const {base}", "i32.rem_u",
        "local.set 2", *update, "local.get 0", f"i32.const {base}", "i32.div_u", "local.set 0", "br 0", "end", "end",
        "local.get 1",
    )  # fmt: skip
    which = f"digits of the unsigned number {name}" + (" in decimal" if base == 10 else f" in base {base}")
    names = ["", "", "d"]
    if kind == 0:
        prompt = f"Return the sum of {words.phrase(term, names, random)} over all {which}, where d is the digit."
    else:
        what = "Count" if kind == 1 else "Add up"
        prompt = f"{what} the digits d{which[6:]} for which {words.condition(test or term, names, random)}."

    def run(values: Sequence[Number]) -> Number:
        rest, total = unsigned("i32", values[0]), 0
        while rest:
            state = (0, 0, rest % base)
            if test is None or compute(test, state):
                total += int(compute(term, state))
            rest //= base
        return wrapped("i32", total)

    return _loop(random, "digits", ("i32",), prompt, body, 2, run)


def repeat(random: Random) -> Function:
    """One step, done k times."""
    names = random.choice((("x", "k"), ("a", "n"), ("x", "n")))
    count = random.choice((3, 4, 5, 6))
    mask = (1 << count) - 1
    x = Var("i32", 0)
    step = draw.chain(random, "i32", [x]) if random.random() < 0.5 else draw.arithmetic(random, "i32", [x], 2)
    said = words.phrase(step, list(names), random)
    body = (
        "local.get 1", f"i32.const {mask}", "i32.and", "local.set 1", "block", "loop", "local.get 1", "i32.eqz",
        "br_if 1", *code(step), "local.set 0", "local.get 1", "i32.const 1", "i32.sub", "local.set 1", "br 0", "end",
        "end", "local.get 0",
    )  # fmt: skip
    limit = f"Only the lowest {count} bits of {names[1]} count."
    prompt = random.choice(
        (
            f"Replace {names[0]} by {said}, {names[1]} times, and return it. {limit}",
            f"Do this {names[1]} times: {names[0]} becomes {said}. Return the last {names[0]}. {limit}",
        )
    )

    def run(values: Sequence[Number]) -> Number:
        value = values[0]
        for _ in range(int(values[1]) & mask):
            value = compute(step, (value,))
        return value

    return _loop(random, "repeat", ("i32", "i32"), prompt, body, 0, run)


def until(random: Random) -> Function:
    """How many steps a number takes to become small."""
    name = random.choice(("n", "x", "a"))
    x = Var("i32", 0)
    by = random.choice((2, 3, 4, 5, 6, 8, 10))
    op = random.choice(("div_u", "shr_u"))
    small = random.choice((0, 0, 1, 5, 9, 10, 99, 100, 1000))
    step = Binary("i32", op, x, Const("i32", by if op == "div_u" else min(by, 5)))
    body = (
        "block", "loop", "local.get 0", f"i32.const {small}", "i32.le_u", "br_if 1", *code(step), "local.set 0",
        "local.get 1", "i32.const 1", "i32.add", "local.set 1", "br 0", "end", "end", "local.get 1",
    )  # fmt: skip
    said = words.phrase(step, [name], random)
    prompt = random.choice(
        (
            f"Count how often {name} can be replaced by {said} until it is at most {small}. It is unsigned.",
            f"The unsigned number {name} becomes {said} again and again. Return after how many steps it is at most "
            f"{small}.",
        )
    )

    def run(values: Sequence[Number]) -> Number:
        value, count = unsigned("i32", values[0]), 0
        while value > small:
            value = unsigned("i32", compute(step, (value,)))
            count += 1
            if count > MOST:
                raise UndefinedError
        return count

    return _loop(random, "until", ("i32",), prompt, body, 1, run)


def recurrence(random: Random) -> Function:
    """A sequence whose terms are made of the two before."""
    mask, prologue, limit = _limited(random, "n")
    first, second = random.randrange(0, 6), random.randrange(1, 8)
    left, right = random.randrange(1, 5), random.randrange(0, 4)
    older, newer = Var("i32", 2), Var("i32", 3)
    term: Expr = Binary("i32", "add", _times(newer, left), _times(older, random.randrange(1, 5)))
    if right:
        term = Binary("i32", "add", term, Const("i32", right))
    update = [*code(term), "local.get 3", "local.set 2", "local.set 3"]
    begin = [*prologue, f"i32.const {first}", "local.set 2", f"i32.const {second}", "local.set 3"]
    said = words.formula(term, ["", "", "s(n-2)", "s(n-1)"], random)
    prompt = (
        f"A sequence begins with s(0) = {first} and s(1) = {second}, and then s(n) = {said}, modulo 2^32. Return s(n). "
        + limit
    )

    def run(values: Sequence[Number]) -> Number:
        pair: tuple[Number, Number] = (first, second)
        for _ in range(int(values[0]) & mask):
            pair = pair[1], compute(term, (0, 0, *pair))
        return pair[0]

    return _loop(random, "recurrence", ("i32",), prompt, [*begin, *_counted(update, ["local.get 2"])], 3, run)


def _times(value: Expr, factor: int) -> Expr:
    return value if factor == 1 else Binary("i32", "mul", value, Const("i32", factor))


def _loop(
    random: Random,
    family: str,
    params: tuple[str, ...],
    prompt: str,
    body: Sequence[str],
    extra: int,
    run: Callable[[Sequence[Number]], Number],
) -> Function:
    return Function(family, draw.export(random), params, "i32", prompt, tuple(body), ("i32",) * extra, run)


FAMILIES = (accumulate, accumulate, digits, repeat, until, recurrence)
