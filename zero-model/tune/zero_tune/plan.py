"""What a run will do: checks and estimates that need no package but Python's own."""

from dataclasses import dataclass
from pathlib import Path

from zero_tune import checks, records, tasks, templates
from zero_tune.base import Base
from zero_tune.estimate import GIB, Estimate, estimate
from zero_tune.events import Events
from zero_tune.presets import Settings


@dataclass(frozen=True)
class Request:
    """Where a run writes, and how it goes about it."""

    out: Path
    resume: bool = False
    drop_leaks: bool = False
    pool: bool = False
    fsdp: bool = False
    merge: str | None = None


def command(base: Base, settings: Settings, data: Path, events: Events, *, drop_leaks: bool, pool: bool) -> None:
    """Checks what can be checked without the base's tokenizer, and says what the run would take."""
    splits = prepare(data, events, drop_leaks=drop_leaks, pool=pool)
    template = templates.named(settings.template)
    tokens = checks.guessed_tokens(splits.train, template, settings.max_length)
    total = tokens * settings.epochs
    if settings.max_steps > 0:
        total = settings.max_steps * settings.batch * settings.accumulation * settings.max_length
    found = estimate(base.shape, settings, int(total))
    events.send(
        "plan",
        base=base.name,
        method=settings.method,
        records={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
        tokens=tokens,
        settings=vars(settings),
        memory=memory(found),
        hours=found.hours(),
        **_fetched(base),
    )


def reward(base: Base, settings: Settings, path: Path, generations: int, events: Events) -> None:
    """The same for learning by reward. How long it takes depends on the answers, so nothing is estimated."""
    found = tasks.prepare(path, settings.batch, generations)
    events.send("check", name="tasks", text=f"{len(found)} tasks; none is of the benchmark")
    events.send(
        "plan",
        base=base.name,
        method=settings.method,
        tasks=len(found),
        generations=generations,
        settings=vars(settings),
        **_fetched(base),
    )


def _fetched(base: Base) -> dict[str, int | bool]:
    """What the base's files cost before anything begins."""
    return {
        "gated": bool(base.preset and base.preset.gated and base.path is None),
        "download": 0 if base.path else 2 * base.shape.parameters,
    }


def prepare(data: Path, events: Events, *, drop_leaks: bool, pool: bool) -> checks.Splits:
    """Reads the dataset and checks its splits."""
    dataset = records.load(data)
    events.send("check", name="schema", text=f"{len(dataset.records)} records")
    splits = checks.splits(dataset, drop_leaks=drop_leaks, pool=pool)
    for note in splits.notes:
        events.note(note)
    text = f"{len(splits.train)} train, {len(splits.validation)} validation, {len(splits.test)} test; nothing leaks"
    events.send("check", name="splits", text=text)
    return splits


def memory(found: Estimate) -> dict[str, float]:
    """The parts of the peak, in GiB."""
    parts = {
        "weights": found.weights,
        "trained": found.trained,
        "activations": found.activations,
        "logits": found.logits,
        "total": found.memory,
    }
    return {name: round(size / GIB, 2) for name, size in parts.items()}
