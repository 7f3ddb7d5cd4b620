"""What a run will do: checks and estimates that need no package but Python's own."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zero_tune import card, checks, records, tasks, templates
from zero_tune.base import Base
from zero_tune.estimate import GIB, Estimate, estimate
from zero_tune.events import Events
from zero_tune.folder import RunFolder
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


def command(base: Base, settings: Settings, data: Path, request: Request, events: Events) -> None:
    """Checks what can be checked without the base's tokenizer, and says what the run would take."""
    splits, _ = prepare(base, settings, data, request, events)
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


def reward(base: Base, settings: Settings, path: Path, generations: int, request: Request, events: Events) -> None:
    """The same for learning by reward. How long it takes depends on the answers, so nothing is estimated."""
    found, _ = prepare_tasks(base, settings, path, generations, request, events)
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


def prepare(
    base: Base, settings: Settings, data: Path, request: Request, events: Events
) -> tuple[checks.Splits, dict[str, Any]]:
    """Reads the dataset, checks its splits and that `--out` is free for this run, which is returned as well."""
    dataset = records.load(data)
    events.send("check", name="schema", text=f"{len(dataset.records)} records")
    splits = checks.splits(dataset, drop_leaks=request.drop_leaks, pool=request.pool)
    for note in splits.notes:
        events.note(note)
    text = f"{len(splits.train)} train, {len(splits.validation)} validation, {len(splits.test)} test; nothing leaks"
    events.send("check", name="splits", text=text)
    origin = {
        "path": data.name,
        "sha256": splits.digest,
        "drop_leaks": request.drop_leaks,
        "pooled": request.pool,
    }
    return splits, _run("sft", base, settings, origin, request)


def prepare_tasks(
    base: Base, settings: Settings, path: Path, generations: int, request: Request, events: Events
) -> tuple[list[tasks.Task], dict[str, Any]]:
    """The same for learning by reward."""
    found = tasks.prepare(path, settings.batch, generations)
    events.send("check", name="tasks", text=f"{len(found)} tasks; none is of the benchmark")
    origin = {"tasks": path.name, "sha256": card.digest(path.parent, path.name), "generations": generations}
    return found, _run("grpo", base, settings, origin, request)


def _run(kind: str, base: Base, settings: Settings, data: dict[str, Any], request: Request) -> dict[str, Any]:
    """What names the run. A folder that is another's is refused now, and not after gigabytes were fetched."""
    run = {"kind": kind, "base": base.name, "data": data, "settings": asdict(settings)}
    # As it is read again from the folder.
    whole: dict[str, Any] = json.loads(json.dumps(run))
    RunFolder(request.out).check(whole, resume=request.resume)
    return whole


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
