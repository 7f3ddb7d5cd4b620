"""Supervised fine-tuning: records in, an adapter, its GGUF form, a curve and a card out."""

import json
import time
from pathlib import Path
from typing import Any

from zero_tune import card, checks, convert, curve, hub, memory, plan, templates
from zero_tune.base import Base
from zero_tune.checks import Sequences
from zero_tune.events import Events
from zero_tune.folder import RunFolder, write
from zero_tune.models import load, peft_config, train_arguments
from zero_tune.plan import Request
from zero_tune.presets import Settings
from zero_tune.vocabulary import Vocabulary


def command(base: Base, settings: Settings, path: Path, request: Request, events: Events) -> None:
    """Checks everything, trains, converts; a run that was killed goes on where it was."""
    splits, run = plan.prepare(base, settings, path, request, events)
    weights = hub.fetch(base)
    vocabulary = Vocabulary(weights)
    template = templates.named(settings.template)
    sequences = checks.sequences(splits, template, vocabulary, settings.max_length, events)
    folder = RunFolder(request.out)
    checkpoint = folder.start(run, resume=request.resume)
    if checkpoint:
        events.note(f"going on from {checkpoint.name}")
    began = time.monotonic()
    try:
        trainer = _trainer(weights, settings, request, sequences, folder, events, checkpoint)
        baseline = float(trainer.evaluate()["eval_loss"]) if checkpoint is None else None
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        final = float(trainer.evaluate()["eval_loss"])
    except Exception as error:
        if memory.is_exhaustion(error):
            raise memory.refusal(settings) from error
        raise
    result = folder.model if settings.method == "full" else folder.adapter
    save(trainer, result, template.jinja, vocabulary)
    if not trainer.is_world_process_zero():
        return
    history = trainer.state.log_history
    metrics = _metrics(history, baseline, final, trainer, sequences, time.monotonic() - began)
    _report(folder, run, weights, metrics, splits.notes, history)
    gguf = convert.after_training(weights, folder, settings.method, request.merge)
    events.send("done", out=str(folder.path), metrics=metrics, files=[str(file) for file in gguf])


def _trainer(
    path: Path,
    settings: Settings,
    request: Request,
    sequences: Sequences,
    folder: RunFolder,
    events: Events,
    checkpoint: Path | None,
) -> Any:
    from datasets import Dataset
    from torch.utils.tensorboard import SummaryWriter
    from transformers import AutoTokenizer, EarlyStoppingCallback
    from transformers.integrations import TensorBoardCallback
    from trl import SFTTrainer

    from zero_tune.callbacks import Progress, Seal

    def rows(examples: list[Any]) -> Any:
        return Dataset.from_list([{"input_ids": one.ids, "labels": one.labels} for one in examples])

    arguments = train_arguments(settings, folder.checkpoints, fsdp=request.fsdp)
    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    trainer = SFTTrainer(
        model=load(path, settings),
        args=arguments,
        train_dataset=rows(sequences.train),
        eval_dataset=rows(sequences.validation),
        processing_class=tokenizer,
        peft_config=peft_config(settings),
        callbacks=[Progress(events), Seal(folder.checkpoints, events)],
    )
    if settings.patience:
        trainer.add_callback(EarlyStoppingCallback(settings.patience))
    if trainer.is_world_process_zero():
        folder.remove_partial()
        step = int(checkpoint.name.rpartition("-")[2]) if checkpoint else None
        trainer.add_callback(TensorBoardCallback(SummaryWriter(str(folder.path / "tensorboard"), purge_step=step)))
    every = _interval(trainer, settings)
    arguments.eval_steps = arguments.save_steps = every
    return trainer


def _interval(trainer: Any, settings: Settings) -> int:
    """Steps between evaluations: how long an epoch is, is known once the sequences are packed."""
    batches = len(trainer.get_train_dataloader())
    steps = max(1, batches // settings.accumulation)
    if settings.max_steps > 0:
        steps = min(steps, settings.max_steps)
    return max(1, steps // settings.evaluations)


def save(trainer: Any, result: Path, jinja: str, vocabulary: Vocabulary) -> None:
    """Saves the adapter, or the model where all of it was trained, with tokenizer and template."""
    trainer.save_model(str(result))
    if trainer.is_world_process_zero():
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (result / name).write_bytes((vocabulary.folder / name).read_bytes())
        write(result / "chat_template.jinja", jinja)
        # The trainer's arguments as a pickle, paths of this machine included: the run card says what matters.
        (result / "training_args.bin").unlink(missing_ok=True)


def _metrics(
    history: list[dict[str, float]],
    baseline: float | None,
    final: float,
    trainer: Any,
    sequences: Sequences,
    seconds: float,
) -> dict[str, Any]:
    losses = [entry["loss"] for entry in history if "loss" in entry]
    held_out = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    return {
        "steps": trainer.state.global_step,
        "epochs": trainer.state.epoch,
        "tokens_an_epoch": sequences.tokens,
        "train_loss_first": losses[0] if losses else None,
        "train_loss_last": losses[-1] if losses else None,
        "validation_loss_before": baseline if baseline is not None else held_out[0],
        "validation_loss": final,
        "trained_parameters": sum(one.numel() for one in trainer.model.parameters() if one.requires_grad),
        "seconds": round(seconds, 1),
        "device": str(trainer.args.device),
        "processes": trainer.args.world_size,
    }


def _report(
    folder: RunFolder,
    run: dict[str, Any],
    path: Path,
    metrics: dict[str, Any],
    notes: list[str],
    history: list[dict[str, float]],
) -> None:
    series = {"training": curve.points(history, "loss"), "validation": curve.points(history, "eval_loss")}
    write(folder.path / "loss.svg", curve.svg("Loss by step", series, "step"))
    write(folder.path / "history.jsonl", "".join(json.dumps(entry) + "\n" for entry in history))
    base = {
        "name": run["base"],
        "config_sha256": card.digest(path, "config.json"),
        "weights_sha256": card.digest(path, "*.safetensors"),
        "tokenizer_sha256": card.digest(path, "tokenizer.json"),
    }
    whole = {
        "base": base,
        "data": run["data"],
        "settings": run["settings"],
        "metrics": metrics,
        "versions": card.versions(),
        "notes": notes,
    }
    card.save(folder.path, whole)
