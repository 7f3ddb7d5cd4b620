"""Answers to tasks by a model of transformers, as samples that `cargo zero eval --samples` judges.

This is how a tuned model is measured on the machine that trained it, before any conversion. Each task is asked in the
words of training, without rules and examples.
"""

import json
from pathlib import Path
from typing import Any

from zero_tune import tasks
from zero_tune.errors import TuneError
from zero_tune.events import Events
from zero_tune.folder import write
from zero_tune.templates import Template
from zero_tune.vocabulary import Vocabulary

BATCH = 16


def command(
    model: Path, adapter: Path | None, path: Path, template: Template, out: Path, limit: int, count: int, events: Events
) -> None:
    """Writes `count` answers to each task: the likeliest one, or as many draws at temperature 0.8.

    Raises:
        TuneError: there is no model or no task.

    """
    import torch

    found = tasks.load(path)
    vocabulary = Vocabulary(model)
    loaded = _load(model, adapter)
    torch.manual_seed(0)
    samples: list[str] = []
    for at in range(0, len(found), BATCH):
        batch = found[at : at + BATCH]
        prompts = vocabulary.encode([template.prompt(task.request) for task in batch])
        answers = _answers(loaded, [vocabulary.bos + prompt for prompt in prompts], vocabulary, template, limit, count)
        for number, answer in enumerate(answers):
            samples.append(json.dumps({"task": batch[number // count].id, "answer": answer}) + "\n")
        events.send("step", step=min(at + BATCH, len(found)), steps=len(found))
    write(out, "".join(samples))
    events.send("done", out=str(out), files=[str(out)], metrics={"tasks": len(found), "samples": len(samples)})


def _load(model: Path, adapter: Path | None) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    if not (model / "config.json").is_file():
        raise TuneError(f"there is no model in {model}", code="not-found")
    loaded = AutoModelForCausalLM.from_pretrained(model, use_safetensors=True, dtype="auto")
    if adapter:
        from peft import PeftModel

        loaded = PeftModel.from_pretrained(loaded, adapter)
    return loaded.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _answers(
    model: Any, prompts: list[list[int]], vocabulary: Vocabulary, template: Template, limit: int, count: int
) -> list[str]:
    """One batch, padded on the left, so that all answers begin at the same place."""
    import torch

    end = vocabulary.id(template.end) if template.end else vocabulary.eos
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[end] * (longest - len(prompt)) + prompt for prompt in prompts], device=model.device)
    seen = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    drawn = (
        {"do_sample": True, "temperature": 0.8, "num_return_sequences": count} if count > 1 else {"do_sample": False}
    )
    with torch.inference_mode():
        whole = model.generate(
            ids, attention_mask=seen, max_new_tokens=limit, eos_token_id=end, pad_token_id=end, **drawn
        )
    return [_text(row.tolist()[longest:], end, vocabulary) for row in whole]


def _text(ids: list[int], end: int, vocabulary: Vocabulary) -> str:
    return vocabulary.decode(ids[: ids.index(end)] if end in ids else ids).strip()
