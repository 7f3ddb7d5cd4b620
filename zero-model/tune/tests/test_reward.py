"""Rewards: only what passes every hidden test is worth much."""

import stat
import sys

import pytest
from conftest import dataset

from zero_tune import tasks
from zero_tune.errors import TuneError
from zero_tune.reward import WORTH, Judge, Verdict


def test_nothing_that_fails_comes_near_to_what_passes() -> None:
    longest = Verdict("passed").reward("x" * 10**6)
    assert all(worth <= 0.2 for worth in WORTH.values())
    assert longest >= 0.9 > 4 * max(WORTH.values())


def test_length_counts_only_among_answers_that_pass() -> None:
    assert Verdict("passed").reward("short") > Verdict("passed").reward("long" * 500)
    assert Verdict("wrong").reward("short") == Verdict("wrong").reward("long" * 500)


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(TuneError):
        Verdict("splendid").reward("")


JUDGE = """#!{python}
import json, pathlib, sys
arguments = sys.argv
samples, out = (arguments[arguments.index(name) + 1] for name in ("--samples", "--out"))
pathlib.Path(out).mkdir()
lines = [json.loads(line) for line in open(samples)]
with open(out + "/samples.jsonl", "w") as stream:
    for line in reversed(lines[{skip}:]):
        stream.write(json.dumps({{**line, "verdict": "passed" if "good" in line["answer"] else "wrong"}}) + "\\n")
sys.exit({code})
"""


def judge(path, code: int = 0, skip: int = 0) -> Judge:
    program = path / "judge"
    program.write_text(JUDGE.format(python=sys.executable, code=code, skip=skip))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Judge(str(program), path / "tasks.jsonl")


def test_verdicts_come_in_the_order_of_the_answers(tmp_path) -> None:
    answers = [("a", "bad"), ("b", "good"), ("a", "good too"), ("b", "bad")]
    assert [one.name for one in judge(tmp_path).verdicts(answers)] == ["wrong", "passed", "passed", "wrong"]


@pytest.mark.parametrize("fault", [{"code": 1}, {"skip": 1}])
def test_a_judge_that_fails_is_no_verdict(tmp_path, fault) -> None:
    with pytest.raises(TuneError):
        judge(tmp_path, **fault).verdicts([("a", "x"), ("b", "y")])


TASK = {"id": "mine/1", "prompt": "add", "signature": {"name": "f", "params": ["i32", "i32"], "result": "i32"}}


def test_tasks_ask_in_the_words_of_training(tmp_path) -> None:
    found = tasks.load(dataset(tmp_path / "tasks.jsonl", [TASK]))
    assert found[0].request == 'add\nExport it as "f", with the type f(i32, i32) -> i32.'


def test_the_benchmark_is_not_trained_on(tmp_path) -> None:
    path = dataset(tmp_path / "tasks.jsonl", [{**TASK, "id": "scalar/hamming"}])
    with pytest.raises(TuneError, match="WAT-Eval"):
        tasks.refuse_benchmark(tasks.load(path), path)


@pytest.mark.parametrize("content", ["", "{}\n", "[]\n", '{"id": 1, "prompt": "x", "signature": "y"}\n'])
def test_what_is_no_task_is_refused(tmp_path, content: str) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(content)
    with pytest.raises(TuneError):
        tasks.load(path)
