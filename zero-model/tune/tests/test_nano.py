"""The generator of tasks: what functions compute, and that the benchmark stays out."""

import json
from random import Random

import pytest
from conftest import HERE

from nano import generate, loops, straight
from nano.decontaminate import Benchmark
from nano.expr import Binary, Const, If, Unary, UndefinedError, Var, code, compute
from nano.function import Function
from nano.inputs import inputs

BENCHMARK = Benchmark.load(HERE.parent.parent / "wat-eval" / "tasks.jsonl")
A, B = Var("i32", 0), Var("i32", 1)
TABLE = [
    (Binary("i32", "add", A, B), (2147483647, 1), -2147483648),
    (Binary("i32", "shr_u", A, Const("i32", 1)), (-1,), 2147483647),
    (Binary("i32", "shr_s", A, Const("i32", 1)), (-3,), -2),
    (Binary("i32", "shl", A, B), (1, 33), 2),
    (Binary("i32", "rotl", A, Const("i32", 1)), (-2147483648,), 1),
    (Binary("i32", "div_s", A, B), (-7, 2), -3),
    (Binary("i32", "rem_s", A, B), (-7, 2), -1),
    (Binary("i32", "rem_u", A, Const("i32", 10)), (-1,), 5),
    (Binary("i32", "lt_u", A, B), (-1, 1), 0),
    (Unary("i32", "clz", A), (0,), 32),
    (Unary("i32", "ctz", A), (8,), 3),
    (If("i32", Binary("i32", "gt_s", A, B), A, B), (3, 9), 9),
    (Binary("f64", "div", Var("f64", 0), Const("f64", 4)), (1.0,), 0.25),
]


@pytest.mark.parametrize(("expr", "values", "result"), TABLE)
def test_expressions_compute_what_webassembly_does(expr, values, result) -> None:
    assert compute(expr, values) == result


@pytest.mark.parametrize(("op", "values"), [("div_u", (1, 0)), ("rem_u", (1, 0)), ("div_s", (-2147483648, -1))])
def test_traps_are_undefined(op: str, values) -> None:
    with pytest.raises(UndefinedError):
        compute(Binary("i32", op, A, B), values)


def test_an_answer_has_the_one_spelling_of_generation() -> None:
    function = Function("f", "sub_two", ("i32", "i32"), "i32", "", tuple(code(Binary("i32", "sub", A, B))), (), sum)
    assert function.answer == (
        '(module (func (export "sub_two") (param i32 i32) (result i32) local.get 0 local.get 1 i32.sub))'
    )


@pytest.mark.parametrize("family", [*dict.fromkeys(straight.FAMILIES), *dict.fromkeys(loops.FAMILIES)])
def test_every_family_says_and_computes_something(family) -> None:
    random = Random(7)
    for _ in range(20):
        function = family(random)
        assert function.prompt.strip()
        assert function.body
        for values in inputs(function, 6):
            try:
                result = function.compute(values)
            except UndefinedError:
                continue
            assert isinstance(result, float) == (function.result == "f64")


def function(prompt: str, params: tuple[str, ...], run) -> Function:
    return Function("test", "f", params, "i32", prompt, (), (), run)


def test_what_computes_a_task_of_the_benchmark_is_kept_out_whatever_its_words() -> None:
    larger = function("Pick whichever is not the other.", ("i32", "i32"), max)
    assert BENCHMARK.holds(larger) == "scalar/max2: behaviour"
    # A task of other parameters in another order: power(base i64, exponent i32) asks for an i64.
    assert BENCHMARK.holds(function("Pick whichever is not the other.", ("i32", "i32"), min)) is None


def test_what_is_said_as_in_the_benchmark_is_kept_out_whatever_it_computes() -> None:
    said = function("Count the positions in which the bits of p and q differ.", ("i32", "i32"), sum)
    assert BENCHMARK.holds(said) == "scalar/hamming: words"


def test_drawn_functions_are_the_same_for_the_same_seed_and_none_is_in_the_benchmark() -> None:
    first, second = (generate.draw(40, 3, BENCHMARK) for _ in range(2))
    assert [one.answer for one, _ in first.functions] == [one.answer for one, _ in second.functions]
    assert all(BENCHMARK.holds(one) is None for one, _ in first.functions)


def test_no_held_out_function_computes_what_a_training_function_does(tmp_path) -> None:
    generate.save(generate.draw(400, 5, BENCHMARK).functions, tmp_path)

    def behaviours(name: str) -> set[str]:
        tasks = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        return {
            json.dumps([one["signature"]["params"], one["signature"]["result"], one["examples"] + one["tests"]])
            for one in tasks
        }

    assert behaviours("held-out.jsonl")
    assert not behaviours("held-out.jsonl") & behaviours("tasks.jsonl")
