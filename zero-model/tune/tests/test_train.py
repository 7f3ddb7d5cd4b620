"""Training for real, small: tiny models of the three shapes, on harvested records, on a CPU."""

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import HERE, RECORDS, Heard, dataset

pytest.importorskip("torch")

from gguf import GGUFReader
from safetensors.numpy import load_file

from zero_tune import base, grpo, hub, models, plan, tiny, train
from zero_tune.errors import TuneError
from zero_tune.presets import Settings

pytestmark = pytest.mark.torch
FAMILIES = ("llama", "mistral", "codellama")
SETTINGS = Settings(
    learning_rate=0.02, rank=32, alpha=64, dropout=0.0, batch=2, accumulation=1, max_length=1024, max_steps=24,
    evaluations=2, patience=0, checkpointing=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    for family in FAMILIES:
        tiny.make(family, RECORDS, folder / family)
    return folder


def tuned(base_path, out, settings=SETTINGS, **request) -> list[dict]:
    heard = Heard()
    wanted = plan.Request(out, pool=True, **request)
    train.command(base.resolve(str(base_path)), settings, RECORDS, wanted, heard)
    return heard.all


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_falls_to_half_and_the_result_is_converted(bases, tmp_path, family: str) -> None:
    out = tmp_path / "out"
    events = tuned(bases / family, out, merge="q8_0")
    metrics = events[-1]["metrics"]
    assert metrics["train_loss_last"] <= metrics["train_loss_first"] / 2
    assert metrics["validation_loss"] < metrics["validation_loss_before"]
    adapter = GGUFReader(out / "adapter.gguf")
    assert adapter.fields["adapter.lora.alpha"].contents() == 64
    assert len(adapter.tensors) == 2 * 2 * 7
    assert GGUFReader(out / "model.gguf").fields["tokenizer.chat_template"].contents().startswith("{#")
    card = json.loads((out / "card.json").read_text())
    assert card["versions"]["torch"]
    assert card["settings"]["rank"] == 32
    assert len(card["data"]["sha256"]) == 64
    assert (out / "loss.svg").read_text().startswith("<svg")
    assert list((out / "tensorboard").iterdir())
    assert not list((out / "adapter").glob("*.bin"))


def weights(out):
    return load_file(out / "adapter" / "adapter_model.safetensors")


def line(base_path, out, *more: str) -> list[str]:
    settings = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in vars(SETTINGS).items()
        if name in ("learning_rate", "rank", "dropout", "batch", "accumulation", "max_length", "max_steps", "patience")
    ]
    return [
        "-m", "zero_tune", "train", f"--base={base_path}", f"--data={RECORDS}", f"--out={out}", "--pool-splits",
        "--no-checkpointing", "--evaluations=6", *settings, *more,
    ]  # fmt: skip


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(bases, tmp_path) -> None:
    once, killed = tmp_path / "once", tmp_path / "killed"
    subprocess.run([sys.executable, *line(bases / "llama", once)], cwd=HERE.parent, check=True, capture_output=True)
    running = subprocess.Popen(
        [sys.executable, *line(bases / "llama", killed)],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert running.stdout is not None
    for text in running.stdout:
        if json.loads(text)["event"] == "checkpoint":
            running.send_signal(signal.SIGKILL)
            break
    assert running.wait() == -signal.SIGKILL
    again = subprocess.run(
        [sys.executable, *line(bases / "llama", killed, "--resume")], cwd=HERE.parent, capture_output=True, check=True
    )
    assert b"going on from checkpoint-" in again.stdout
    left, right = weights(once), weights(killed)
    assert left.keys() == right.keys()
    # On a CPU the same numbers, bit by bit.
    assert all((left[name] == right[name]).all() for name in left)


def test_packing_changes_how_fast_it_is_and_not_what_is_computed(bases, tmp_path) -> None:
    losses = []
    for packing in (True, False):
        settings = replace(SETTINGS, packing=packing, max_steps=1, learning_rate=0.0, batch=1)
        losses.append(tuned(bases / "mistral", tmp_path / str(packing), settings)[-1]["metrics"]["validation_loss"])
    # The mean over tokens of packed rows, and over rows of one record each, weigh records differently.
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_training_ends_early_when_validation_gets_no_better(bases, tmp_path) -> None:
    settings = replace(SETTINGS, patience=1, learning_rate=3.0, max_steps=24, evaluations=12)
    metrics = tuned(bases / "llama", tmp_path / "out", settings)[-1]["metrics"]
    assert metrics["steps"] < 24


@pytest.mark.parametrize("more", [[], ["--fsdp"]])
def test_two_processes_train_together(bases, tmp_path, more) -> None:
    out = tmp_path / "out"
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *launch, *line(bases / "llama", out, "--max-steps=6", *more)],
        cwd=HERE.parent, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["metrics"]["processes"] == 2
    assert (out / "adapter.gguf").is_file()
    assert all(abs(value).sum() < float("inf") for value in weights(out).values())


def test_exhausted_memory_names_the_setting(bases, tmp_path, monkeypatch) -> None:
    def exhausted(*_args, **_options):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(train, "_trainer", exhausted)
    with pytest.raises(TuneError) as refused:
        tuned(bases / "llama", tmp_path / "out")
    assert "--batch 1 --accumulation 2" in (refused.value.hint or "")


def test_qlora_without_a_gpu_points_to_lora(bases, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(TuneError, match="CUDA") as refused:
        models.load(bases / "llama", replace(SETTINGS, method="qlora"))
    assert "--method lora" in (refused.value.hint or "")


def response(code: int):
    import httpx2

    return httpx2.Response(code, request=httpx2.Request("GET", "https://hub.example/base"))


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("GatedRepoError", "failed", "accept the terms"),
        ("RepositoryNotFoundError", "not-found", "hf auth login"),
        ("LocalEntryNotFoundError", "unreachable", "--base"),
    ],
)
def test_a_base_that_cannot_be_fetched_says_why(monkeypatch, error: str, code: str, words: str) -> None:
    import huggingface_hub
    from huggingface_hub import errors

    kind = getattr(errors, error)
    raised = kind("no") if error == "LocalEntryNotFoundError" else kind("no", response=response(403))

    def refuse(*_args, **_options):
        raise raised

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(TuneError) as refused:
        hub.fetch(base.resolve("meta-llama/Meta-Llama-3-8B"))
    assert refused.value.code == code
    assert words in (refused.value.hint or "")


TASK = {"prompt": "add a and b", "signature": {"name": "f", "params": ["i32", "i32"], "result": "i32"}}
# Stands for the judge: what begins below `a` passes. The real one is `cargo zero eval serve`.
JUDGE = """#!{python}
import json, sys
for line in sys.stdin:
    answers = [one["answer"] for one in json.loads(line)["samples"]]
    results = [{{"verdict": "", "reward": float(answer.encode()[:1] < b"a")}} for answer in answers]
    print(json.dumps({{"results": results}}), flush=True)
"""


def test_answers_that_the_judge_likes_become_more_likely(bases, tmp_path) -> None:
    judge = tmp_path / "judge"
    judge.write_text(JUDGE.format(python=sys.executable))
    judge.chmod(judge.stat().st_mode | stat.S_IXUSR)
    path = dataset(tmp_path / "tasks.jsonl", [{"id": f"mine/{number}", **TASK} for number in range(4)])
    settings = replace(SETTINGS, batch=8, max_steps=12, max_length=8, learning_rate=0.01, template="plain")
    heard = Heard()
    options = grpo.Options(path, str(judge), 8)
    grpo.command(base.resolve(str(bases / "llama")), settings, plan.Request(tmp_path / "out"), options, heard)
    metrics = heard.all[-1]["metrics"]
    assert metrics["reward_last"] > metrics["reward_first"]
    assert (tmp_path / "out" / "reward.svg").is_file()


def test_the_command_line_reports_errors_as_events(bases, tmp_path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = subprocess.run(
        [sys.executable, *line(bases / "llama", tmp_path)], cwd=HERE.parent, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["hint"]
