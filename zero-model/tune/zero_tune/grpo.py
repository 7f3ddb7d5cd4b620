"""Learning by reward (GRPO): the model answers tasks, the judge runs the answers, better ones become more likely."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_tune import card, convert, curve, hub, memory, models, plan, tasks, templates
from zero_tune.base import Base
from zero_tune.events import Events
from zero_tune.folder import RunFolder, write
from zero_tune.plan import Request
from zero_tune.presets import Settings
from zero_tune.reward import Judge
from zero_tune.train import save
from zero_tune.vocabulary import Vocabulary


@dataclass(frozen=True)
class Options:
    """What only this kind of training needs."""

    tasks: Path
    judge: str
    generations: int
    """Answers to each task, which are compared with each other."""


def command(base: Base, settings: Settings, request: Request, options: Options, events: Events) -> None:
    """Trains an adapter, or the whole of a small model, by reward."""
    found, run = plan.prepare_tasks(base, settings, options.tasks, options.generations, request, events)
    path = hub.fetch(base)
    vocabulary = Vocabulary(path)
    template = templates.named(settings.template)
    folder = RunFolder(request.out)
    checkpoint = folder.start(run, resume=request.resume)
    began = time.monotonic()
    with Judge(options.judge, options.tasks) as judge:
        try:
            trainer = _trainer(path, settings, request, options, found, template, judge, folder, events)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except Exception as error:
            if memory.is_exhaustion(error):
                raise memory.refusal(settings) from error
            raise
    save(trainer, folder.model if settings.method == "full" else folder.adapter, template.jinja, vocabulary)
    if not trainer.is_world_process_zero():
        return
    rewards = curve.points(trainer.state.log_history, "reward")
    metrics = {
        "steps": trainer.state.global_step,
        "reward_first": rewards[0][1] if rewards else None,
        "reward_last": rewards[-1][1] if rewards else None,
        "seconds": round(time.monotonic() - began, 1),
    }
    write(folder.path / "reward.svg", curve.svg("Reward by step", {"reward": rewards}, "step"))
    whole = {key: run[key] for key in ("base", "data", "settings")} | {
        "base": {"name": base.name, "weights_sha256": card.digest(path, "*.safetensors")},
        "metrics": metrics,
        "versions": card.versions(),
    }
    card.save(folder.path, whole, picture="reward.svg")
    gguf = convert.after_training(path, folder, settings.method, request.merge)
    events.send("done", out=str(folder.path), metrics=metrics, files=[str(file) for file in gguf])


def _trainer(
    path: Path,
    settings: Settings,
    request: Request,
    options: Options,
    found: list[tasks.Task],
    template: templates.Template,
    judge: Judge,
    folder: RunFolder,
    events: Events,
) -> Any:
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    from zero_tune.callbacks import Progress, Seal

    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    # The trainer encodes prompts by itself, and a tokenizer that adds no beginning by itself needs one written out.
    begin = tokenizer.bos_token or ""
    if tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]:
        begin = ""

    def rewards(completions: list[str], task: list[str], **_: Any) -> list[float]:
        return [one.reward for one in judge.results(list(zip(task, completions, strict=True)))]

    arguments = GRPOConfig(
        **models.common(settings, folder.checkpoints, fsdp=request.fsdp),
        num_generations=options.generations,
        max_completion_length=settings.max_length,
        temperature=1.0,
        save_strategy="steps",
        save_steps=max(1, settings.max_steps // settings.evaluations) if settings.max_steps > 0 else 50,
    )
    folder.remove_partial()
    return GRPOTrainer(
        model=models.load(path, settings),
        reward_funcs=rewards,
        args=arguments,
        train_dataset=Dataset.from_list(
            [{"prompt": begin + template.prompt(task.request), "task": task.id} for task in found]
        ),
        processing_class=tokenizer,
        peft_config=models.peft_config(settings),
        callbacks=[Progress(events), Seal(folder.checkpoints, events)],
    )
