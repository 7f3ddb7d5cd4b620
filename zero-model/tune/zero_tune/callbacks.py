"""What happens while the trainer runs: progress for the caller, checkpoints that count."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from zero_tune.events import Events
from zero_tune.folder import seal


class Progress(TrainerCallback):
    """Tells the caller where the run is."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ARG002 - the trainer's signature
        """Passes on losses and rewards; the trainer's closing summary is none."""
        logs = logs or {}
        fields = {name: logs[name] for name in ("loss", "eval_loss", "reward", "learning_rate") if name in logs}
        if fields:
            self._events.send("step", step=state.global_step, steps=state.max_steps, **fields)


class Seal(TrainerCallback):
    """Marks each checkpoint as complete after everything in it was written."""

    def __init__(self, checkpoints: Path, events: Events) -> None:
        self._checkpoints = checkpoints
        self._events = events

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the trainer's signature
        """Runs in every process; the first one writes."""
        if state.is_world_process_zero:
            seal(self._checkpoints / f"checkpoint-{state.global_step}")
            self._events.send("checkpoint", step=state.global_step)
