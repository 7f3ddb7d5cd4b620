"""`python -m zero_tune`: the commands that `cargo zero tune` starts."""

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path

from zero_tune import base, plan, templates
from zero_tune.base import Base
from zero_tune.errors import TuneError
from zero_tune.events import Events
from zero_tune.presets import REINFORCED, Settings

# Options that set a field of `Settings` each.
_FIGURES: dict[str, type] = {
    "rank": int, "alpha": int, "dropout": float, "learning_rate": float, "max_length": int, "batch": int,
    "accumulation": int, "epochs": float, "max_steps": int, "evaluations": int, "patience": int, "seed": int,
}  # fmt: skip

# Answers to each task, where the user names no number.
GENERATIONS = 8


def main(argv: list[str]) -> int:
    """Runs one command; an error is its last event and the exit code 1."""
    args = _parser().parse_args(argv)
    events = Events.open()
    try:
        _run(args, events)
    except TuneError as error:
        events.error(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(args: argparse.Namespace, events: Events) -> None:
    if args.command == "convert":
        from zero_tune import convert

        convert.command(args.model, args.lora, args.out, args.outtype, events)
        return
    if args.command == "answer":
        from zero_tune import answer

        template = templates.named(args.template)
        answer.command(args.model, args.lora, args.tasks, template, args.out, args.max_tokens, args.count, events)
        return
    if args.command == "tiny":
        from zero_tune import tiny

        tiny.make(args.family, args.data, args.out)
        return
    found = base.resolve(args.base)
    settings = _settings(args, found)
    templates.named(settings.template)
    if args.command == "plan" and args.tasks:
        plan.reward(found, settings, args.tasks, args.generations, _request(args), events)
    elif args.command == "plan":
        plan.command(found, settings, args.data, _request(args), events)
    elif args.command == "train":
        from zero_tune import train

        train.command(found, settings, args.data, _request(args), events)
    else:
        from zero_tune import grpo

        grpo.command(found, settings, _request(args), grpo.Options(args.tasks, args.judge, args.generations), events)


def _request(args: argparse.Namespace) -> plan.Request:
    return plan.Request(
        out=args.out,
        resume=args.resume,
        drop_leaks=args.drop_leaks,
        pool=args.pool_splits,
        fsdp=getattr(args, "fsdp", False),
        merge=getattr(args, "merge", None),
    )


def _settings(args: argparse.Namespace, found: Base) -> Settings:
    """The base's settings with what the user said instead."""
    names = {field.name for field in fields(Settings)}
    given = {name: value for name, value in vars(args).items() if name in names and value is not None}
    if getattr(args, "tasks", None):
        given = {**REINFORCED, "batch": args.generations, **given}
    if "rank" in given and "alpha" not in given:
        given["alpha"] = 2 * given["rank"]
    settings = replace(found.settings, **given)
    for name in ("rank", "max_length", "batch", "accumulation", "evaluations"):
        if getattr(settings, name) < 1:
            raise TuneError(f"--{name.replace('_', '-')} must be at least 1", code="usage")
    if settings.epochs <= 0 and settings.max_steps < 1:
        raise TuneError("--epochs must be more than 0", code="usage")
    return settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m zero_tune", description=sys.modules["zero_tune"].__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dry = commands.add_parser("plan", help="check the data, estimate memory and time; needs no packages")
    source = dry.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path)
    source.add_argument("--tasks", type=Path)
    dry.add_argument("--generations", type=int, default=GENERATIONS)
    _run_options(dry)
    train = commands.add_parser("train", help="fine-tune on records")
    train.add_argument("--data", type=Path, required=True)
    _training(train)
    reinforce = commands.add_parser("grpo", help="go on by reward: answers are judged by execution")
    _training(reinforce)
    reinforce.add_argument("--tasks", type=Path, required=True)
    reinforce.add_argument("--judge", required=True, help="the cargo-zero program")
    reinforce.add_argument("--generations", type=int, default=GENERATIONS)
    convert = commands.add_parser("convert", help="an adapter or a model to GGUF; needs no torch")
    convert.add_argument("--model", type=Path, required=True)
    convert.add_argument("--lora", type=Path)
    convert.add_argument("--out", type=Path, required=True)
    convert.add_argument("--outtype", choices=("f32", "f16", "q8_0"), default="f16")
    answer = commands.add_parser("answer", help="answers to tasks, as samples for `cargo zero eval`")
    answer.add_argument("--model", type=Path, required=True)
    answer.add_argument("--lora", type=Path)
    answer.add_argument("--tasks", type=Path, required=True)
    answer.add_argument("--template", default="plain")
    answer.add_argument("--out", type=Path, required=True)
    answer.add_argument("--max-tokens", type=int, default=512)
    answer.add_argument("--count", type=int, default=1)
    tiny = commands.add_parser("tiny", help="make a tiny base with random weights, for tests")
    tiny.add_argument("--family", choices=("llama", "mistral", "codellama"), default="llama")
    tiny.add_argument("--data", type=Path, required=True)
    tiny.add_argument("--out", type=Path, required=True)
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--method", choices=("lora", "qlora", "full"), default="lora")
    parser.add_argument("--template")
    parser.add_argument("--drop-leaks", action="store_true")
    parser.add_argument("--pool-splits", action="store_true", help="train on records of all splits but a few")
    parser.add_argument("--no-packing", dest="packing", action="store_false", default=None)
    parser.add_argument("--no-checkpointing", dest="checkpointing", action="store_false", default=None)
    for name, kind in _FIGURES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)


def _training(parser: argparse.ArgumentParser) -> None:
    _run_options(parser)
    parser.add_argument("--fsdp", action="store_true", help="shard the weights over the processes")
    parser.add_argument("--merge", choices=("f32", "f16", "q8_0"), help="also export base and adapter as one GGUF")
