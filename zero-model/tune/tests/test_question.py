"""Questions: a model is trained on the words that it will be sent."""

import json

import pytest
from conftest import HERE, dataset, line

from zero_tune import question, records, tasks
from zero_tune.errors import TuneError

LINES = [json.loads(text) for text in (HERE / "data" / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("one", LINES, ids=lambda one: one["task"]["id"])
def test_a_task_is_asked_as_the_command_asks_it(one, tmp_path) -> None:
    found = tasks.load(dataset(tmp_path / "tasks.jsonl", [one["task"]]))
    assert found[0].request == one["question"]


def call(*args: str, result: str, **more: object) -> dict[str, object]:
    return {"args": list(args), "result": result, **more}


CALLS = [
    call("i32.const 1", "f64.const 0x1.8p+1", result="i64.const 7"),
    call("i32.const 2", "f64.const 2.0", result="i64.const 7"),
    call("i32.const -3", "f64.const nan:0x1", result="i64.const 9"),
    call("i32.const -3", "f64.const inf", result="i64.const 9"),
    call("i32.const -3", "f64.const -0.0", result="i64.const 10"),
    call("i32.const 1024", "f64.const 1.0", result="i64.const 8", memory=[[1024, "00"]]),
]


def of(tmp_path, instruction: str, calls: list[dict[str, object]], **fields: object) -> records.Record:
    one = line(instruction, io_examples=calls, provenance={"symbol": "f"}, signature_wasm="(i32, f64) -> i64", **fields)
    return records.load(dataset(tmp_path / "records.jsonl", [one])).records[0]


def test_a_harvested_function_on_numbers_brings_its_calls(tmp_path) -> None:
    # As `cargo zero harvest` writes it: the result is the last of `abi`, and what is not there is null.
    absent = {"pages": 0, "memory": [], "result_text": None, "result_bytes": None, "memory_after": []}
    calls = [call("i32.const -23", "f64.const 84.0", result="i64.const 10", **absent)]
    calls.append(call("i32.const 1", "f64.const 84.0", result="i64.const 1024", **absent | {"result_bytes": "00ff"}))
    found = of(tmp_path, "a", calls, abi=[{"role": "scalar"}, {"role": "scalar"}, {"role": "return"}])
    assert [question.line("f", one) for one in found.examples] == ["f(-23, 84.0) returns 10"]


def test_a_record_is_asked_with_any_number_of_its_calls_of_numbers(tmp_path) -> None:
    first = 'Export it as "f", with the type f(i32, f64) -> i64.'
    shown = ["f(1, 3.0) returns 7", "f(-3, -0.0) returns 10", "f(2, 2.0) returns 7"]
    numbers = set()
    for word in "abcdefghijklmnop":
        lines = question.of_record(of(tmp_path, word, CALLS)).splitlines()
        assert lines == [word, first, *shown][: len(lines)]
        numbers.add(len(lines) - 2)
    assert numbers == {0, 1, 2, 3}


def test_a_record_about_memory_is_asked_without_its_calls(tmp_path) -> None:
    for word in "abcdefgh":
        found = of(tmp_path, word, CALLS, abi=[{"role": "scalar"}, {"role": "string"}])
        assert len(question.of_record(found).splitlines()) == 2


@pytest.mark.parametrize(
    "calls",
    [
        7,
        [7],
        [{"result": "i32.const 1"}],
        [call("i32.const x", result="i32.const 1")],
        [call(result="f64.const 0x1p9999")],
    ],
)
def test_calls_that_are_none_are_refused_by_line(tmp_path, calls) -> None:
    with pytest.raises(TuneError, match=r"records.jsonl:1"):
        of(tmp_path, "a", calls)
