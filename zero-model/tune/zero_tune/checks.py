"""What is checked before any time on a GPU is spent. Each check says what it found or refuses."""

import hashlib
from dataclasses import dataclass, field

from zero_tune import leakage, question
from zero_tune.encode import Example, encode
from zero_tune.errors import TuneError
from zero_tune.events import Events
from zero_tune.records import Dataset, Record
from zero_tune.templates import Template
from zero_tune.vocabulary import Vocabulary

# Of harvested WebAssembly text, where no tokenizer is at hand.
BYTES_PER_TOKEN = 2.4
# With more records left out than this, what was trained on is another dataset than the one named.
LOST = 0.5
FEW = 8
SHOWN = 3


@dataclass(frozen=True)
class Splits:
    """The records to train on and those to hold out."""

    train: list[Record]
    validation: list[Record]
    test: list[Record]
    digest: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sequences:
    """What training sees, in tokens."""

    train: list[Example]
    validation: list[Example]

    @property
    def tokens(self) -> int:
        """Tokens of one epoch."""
        return sum(len(example.ids) for example in self.train)


def splits(dataset: Dataset, *, drop_leaks: bool, pool: bool = False) -> Splits:
    """Checks that nothing held out is in training, and that there is enough of both.

    Raises:
        TuneError: training records leak and were not to be dropped, or too few records are left.

    """
    train, validation, test = (dataset.split(name) for name in ("train", "validation", "test"))
    if pool:
        train, validation, test = list(dataset.records), [], []
    notes = []
    leaks = leakage.find(train, validation + test)
    if leaks and not drop_leaks:
        shown = "\n".join(f"{leak.train.where} ~ {leak.held_out.where}: {leak.why}" for leak in leaks[:SHOWN])
        raise TuneError(
            f"{len(leaks)} of {len(train)} training records leak into validation or test, which would measure memory:\n"
            + shown,
            hint="--drop-leaks leaves them out of training",
        )
    if leaks:
        gone = {leak.train.id for leak in leaks}
        train = [record for record in train if record.id not in gone]
        notes.append(f"left out {len(gone)} training records that leak into validation or test")
    if train and not validation:
        train, validation = _hold_out(train)
        notes.append(
            f"{len(validation)} of the records are held out for validation, because no split is. They come from the "
            "same repositories, so their loss says little about others"
        )
    if len(train) < FEW or not validation:
        raise TuneError(
            f"{len(train)} records to train on and {len(validation)} to validate with are too few: "
            f"at least {FEW} and 1 are needed",
            hint="harvest more repositories into the same dataset; or --pool-splits, where there are few of them",
        )
    return Splits(train, validation, test, dataset.digest, notes)


def _hold_out(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """One in twelve, by digest, and never one whose near duplicate stays."""
    order = sorted(records, key=lambda record: hashlib.sha256(record.id.encode()).digest())
    chosen = order[: max(1, len(order) // 12)]
    ids = {record.id for record in chosen}
    rest = [record for record in records if record.id not in ids]
    nameless = [Record(**{**vars(record), "repo": ""}) for record in chosen]
    twins = {leak.train.id for leak in leakage.find(rest, nameless)}
    return [record for record in rest if record.id not in twins], chosen


def sequences(found: Splits, template: Template, vocabulary: Vocabulary, limit: int, events: Events) -> Sequences:
    """Checks the round trip through template and tokenizer and the lengths; leaves out what is longer than the limit.

    Raises:
        TuneError: a record does not survive the round trip, or more than half of the records are too long.

    """
    jinja_agrees(template, found.train[0], vocabulary)
    kept = []
    for name, records in (("train", found.train), ("validation", found.validation)):
        examples, misfits = encode(records, template, vocabulary)
        if len(misfits) > LOST * len(records):
            shown = "\n".join(f"{misfit.record.where}: {misfit.why}" for misfit in misfits[:SHOWN])
            raise TuneError(
                f"{len(misfits)} of {len(records)} records do not survive the template {template.name} and this "
                f"tokenizer:\n{shown}",
                hint="--template plain",
            )
        fitting = [example for example in examples if len(example.ids) <= limit]
        lengths = sorted(len(example.ids) for example in examples)
        if len(fitting) < (1 - LOST) * len(records):
            raise TuneError(
                f"{len(records) - len(fitting)} of {len(records)} {name} records have more than {limit} tokens",
                hint=f"--max-length {lengths[len(lengths) * 9 // 10]} keeps nine in ten",
            )
        events.send(
            "check",
            name=f"{name} lengths",
            text=f"{lengths[len(lengths) // 2]} tokens in the middle, {lengths[-1]} at most; "
            f"{len(records) - len(fitting)} of {len(records)} left out ({len(misfits)} misfits)",
        )
        kept.append(fitting)
    if not kept[1]:
        raise TuneError("no validation record is short enough", hint="--max-length")
    return Sequences(*kept)


def jinja_agrees(template: Template, record: Record, vocabulary: Vocabulary) -> None:
    """Checks that a server, which renders Jinja, will send what training saw.

    Raises:
        TuneError: the two differ.

    """
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    rendered = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template.jinja)
    text = rendered.render(
        messages=[{"role": "system", "content": "rules"}, {"role": "user", "content": question.of_record(record)}],
        bos_token=vocabulary.bos_token or "",
        eos_token=vocabulary.eos_token,
    )
    if text != (vocabulary.bos_token or "") + template.prompt(question.of_record(record)):
        raise TuneError(f"the template {template.name} and its Jinja text differ: {text!r}")


def guessed_tokens(records: list[Record], template: Template, limit: int) -> int:
    """Tokens of one epoch where no tokenizer is at hand."""
    total = 0
    for record in records:
        size = len(template.prompt(question.of_record(record)).encode()) + len(record.output.encode())
        tokens = int(size / BYTES_PER_TOKEN)
        total += tokens if tokens <= limit else 0
    return total
