"""Rewards: what the judge says, in the order of the answers, and tasks that may be learned from."""

import stat
import sys

import pytest
from conftest import dataset

from zero_tune import tasks
from zero_tune.errors import TuneError
from zero_tune.reward import BATCH, Judge

JUDGE = """#!{python}
import json, sys
assert sys.argv[1:4] == ["eval", "serve", "--tasks"]
for line in sys.stdin:
    samples = json.loads(line)["samples"]
    worth = [{{"verdict": one["task"], "reward": float("good" in one["answer"])}} for one in samples]
    print({answer}, flush=True)
"""
HONEST = 'json.dumps({"results": worth})'


def judge(path, answer: str = HONEST) -> Judge:
    program = path / "judge"
    program.write_text(JUDGE.format(python=sys.executable, answer=answer))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Judge(str(program), path / "tasks.jsonl")


def test_rewards_come_in_the_order_of_the_answers_batch_by_batch(tmp_path) -> None:
    with judge(tmp_path) as running:
        found = running.results([("a", "bad"), ("b", "good"), ("a", "good too")])
        assert [(one.verdict, one.reward) for one in found] == [("a", 0.0), ("b", 1.0), ("a", 1.0)]
        assert len(running.results([("a", "good")] * (BATCH + 1))) == BATCH + 1


@pytest.mark.parametrize(
    "answer", ["sys.exit(1)", '"x"', '"[]"', 'json.dumps({"results": worth[1:]})', "json.dumps({'error': 'no'})"]
)
def test_a_judge_that_fails_gives_no_reward(tmp_path, answer: str) -> None:
    with judge(tmp_path, answer) as running, pytest.raises(TuneError):
        running.results([("a", "x"), ("b", "y")])


def test_a_judge_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(TuneError, match="cannot judge"):
        Judge(str(tmp_path / "nothing"), tmp_path / "tasks.jsonl")


TASK = {"id": "mine/1", "prompt": "add", "signature": {"name": "f", "params": ["i32", "i32"], "result": "i32"}}


def test_tasks_ask_in_the_words_of_training(tmp_path) -> None:
    found = tasks.load(dataset(tmp_path / "tasks.jsonl", [TASK]))
    assert found[0].request == 'add\nExport it as "f", with the type f(i32, i32) -> i32.'


def test_a_task_may_be_brief(tmp_path) -> None:
    brief = {"prompt": "add", "signature": "f(i32,i32) -> i32"}
    assert tasks.load(dataset(tmp_path / "tasks.jsonl", [brief])) == [
        tasks.Task("line-1", 'add\nExport it as "f", with the type f(i32, i32) -> i32.')
    ]


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
