"""Presets, estimates, bases, and the command that needs no package."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import HERE, RECORDS, dataset

from zero_tune import base, memory
from zero_tune.errors import TuneError
from zero_tune.estimate import estimate
from zero_tune.presets import PRESETS, Settings, preset

SIZES = {"meta-llama/Meta-Llama-3-8B": 8.03e9, "mistralai/Mistral-7B-v0.3": 7.25e9, "codellama/CodeLlama-7b-hf": 6.74e9}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_published_sizes(name: str) -> None:
    assert PRESETS[name].shape.parameters == pytest.approx(SIZES[name], rel=0.002)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit_the_cards_they_are_for(name: str) -> None:
    known = PRESETS[name]
    assert estimate(known.shape, replace(known.settings, method="qlora"), 1).memory < 24e9
    assert estimate(known.shape, replace(known.settings, method="lora"), 1).memory < 80e9
    assert (
        estimate(known.shape, known.settings, 1).memory
        > estimate(known.shape, replace(known.settings, method="qlora"), 1).memory
    )
    assert known.settings.batch * known.settings.accumulation == 32


def test_a_run_that_does_not_fit_has_no_hours() -> None:
    known = PRESETS["meta-llama/Meta-Llama-3-8B"]
    hours = estimate(known.shape, replace(known.settings, method="full"), 10**6).hours()
    assert set(hours.values()) == {None}


def test_instruction_tuned_siblings_get_their_own_template() -> None:
    found = preset("mistralai/Mistral-7B-Instruct-v0.3")
    assert found is not None
    assert found.settings.template == "mistral"
    assert found.shape == PRESETS["mistralai/Mistral-7B-v0.3"].shape


CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 128, "vocab_size": 512,
}  # fmt: skip
WRONG = {
    "another architecture": {"model_type": "gpt2"},
    "no architecture": {"model_type": None},
    "stretched positions": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    "no layers": {"num_hidden_layers": 0},
    "layers in words": {"num_hidden_layers": "two"},
    "heads do not divide": {"hidden_size": 63},
    "huge": {"vocab_size": 1 << 40},
    "biases of attention": {"attention_bias": True},
    "biases of the layers": {"mlp_bias": True},
    "heads of another size": {"head_dim": 32},
}


def test_figures_that_say_what_follows_anyway_are_taken(tmp_path) -> None:
    same = {"attention_bias": False, "mlp_bias": False, "head_dim": 16}
    for more in (same, dict.fromkeys(same)):
        (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **more}))
        assert base.resolve(str(tmp_path)).shape.hidden == 64


@pytest.mark.parametrize("fault", WRONG)
def test_a_base_that_cannot_be_trained_is_refused(tmp_path, fault: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **WRONG[fault]}))
    with pytest.raises(TuneError):
        base.resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["nowhere", "someone/something", "model.gguf", "empty"])
def test_what_is_no_base_is_refused_with_a_hint(tmp_path, monkeypatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TuneError):
        base.resolve(name)


LOWERED = [
    (Settings(batch=4, accumulation=8), "--batch 2 --accumulation 16"),
    (Settings(batch=1, checkpointing=False), "--no-checkpointing"),
    (Settings(batch=1), "--method qlora"),
    (Settings(batch=1, method="qlora", max_length=4096), "--max-length 2048"),
]


@pytest.mark.parametrize(("settings", "words"), LOWERED)
def test_out_of_memory_names_the_setting_to_lower(settings: Settings, words: str) -> None:
    hint = memory.refusal(settings).hint or ""
    assert words in hint
    # What goes on with other settings is refused.
    assert "new --out" in hint
    assert "--resume" not in hint


@pytest.mark.parametrize(
    ("error", "exhausted"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_exhaustion_is_told_from_other_errors(error: Exception, exhausted: bool) -> None:
    assert memory.is_exhaustion(error) == exhausted


def run(*arguments: str, out: Path = Path("nowhere")) -> tuple[int, list[dict]]:
    # -S: no installed package can be imported, so the plan proves that it needs none.
    line = [sys.executable, "-S", "-m", "zero_tune", *arguments, "--out", str(out)]
    done = subprocess.run(line, cwd=HERE.parent, capture_output=True, text=True)
    return done.returncode, [json.loads(one) for one in done.stdout.splitlines()]


def test_a_plan_needs_no_package() -> None:
    code, events = run("plan", "--base", "mistralai/Mistral-7B-v0.3", "--data", str(RECORDS), "--pool-splits")
    assert code == 0
    plan = events[-1]
    assert plan["event"] == "plan"
    assert plan["memory"]["total"] > 13
    assert all(hours > 0 for hours in plan["hours"].values())
    assert plan["download"] > 14e9


TASK = {"prompt": "add", "signature": {"name": "f", "params": ["i32"], "result": "i32"}}
CODELLAMA = ("plan", "--base", "codellama/CodeLlama-7b-hf")


def test_a_plan_for_tasks_needs_no_package_either(tmp_path) -> None:
    path = dataset(tmp_path / "tasks.jsonl", [{"id": f"mine/{number}", **TASK} for number in range(3)])
    code, events = run(*CODELLAMA, "--tasks", str(path), "--generations=4")
    assert code == 0
    plan = events[-1]
    assert (plan["tasks"], plan["generations"], plan["settings"]["batch"]) == (3, 4, 4)
    assert plan["settings"]["learning_rate"] == pytest.approx(2e-5)
    assert plan["download"] > 13e9


@pytest.mark.parametrize(
    ("task", "options", "says"),
    [
        ({"id": "scalar/gcd"}, [], "WAT-Eval"),
        ({"id": "mine", "prompt": 7}, [], "is no task"),
        ({"id": "mine"}, ["--batch=6"], "no multiple"),
        ({"id": "mine"}, ["--generations=1"], "2 are the least"),
    ],
)
def test_tasks_that_cannot_be_learned_from_are_refused_before_anything(tmp_path, task, options, says) -> None:
    path = dataset(tmp_path / "tasks.jsonl", [{**TASK, **task}])
    code, events = run(*CODELLAMA, "--tasks", str(path), *options)
    assert code == 1
    assert says in events[-1]["message"]


def test_a_used_folder_is_refused_before_anything(tmp_path) -> None:
    line = (*CODELLAMA, "--data", str(RECORDS), "--pool-splits")
    code, _ = run(*line, out=tmp_path / "new")
    assert code == 0
    assert not (tmp_path / "new").exists()
    (tmp_path / "thesis.tex").write_text("years of work")
    path = dataset(tmp_path / "tasks.jsonl", [{"id": "mine", **TASK}])
    for arguments in (line, (*CODELLAMA, "--tasks", str(path))):
        code, events = run(*arguments, out=tmp_path)
        assert code == 1
        assert "not empty" in events[-1]["message"]


def test_an_error_is_the_last_event() -> None:
    code, events = run("plan", "--base", "gpt2", "--data", str(RECORDS))
    assert code == 1
    assert events[-1]["event"] == "error"
    assert events[-1]["code"] == "not-found"
    assert events[-1]["hint"]


@pytest.mark.parametrize("option", ["--batch=0", "--rank=-1", "--epochs=0", "--max-length=0"])
def test_settings_out_of_range_are_refused(option: str) -> None:
    code, events = run("plan", "--base", "codellama/CodeLlama-7b-hf", "--data", str(RECORDS), option)
    assert code == 1
    assert events[-1]["code"] == "usage"
