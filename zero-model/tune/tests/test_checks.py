"""Checks before training: leaks, few records, and the hold-out."""

from dataclasses import replace

import pytest

from zero_tune import checks, leakage
from zero_tune.errors import TuneError
from zero_tune.records import Dataset, Record


def record(number: int, split: str = "train", repo: str = "", body: str = "") -> Record:
    """A record whose words are its own."""
    words = body or "\n".join(f"local.get {number}{step} i32.const {number * 7 + step}" for step in range(20))
    text = f"(module\n(func\n{words}\n)\n)\n"
    return Record(f"id{number}", f"compute number {number} of {number}", text, split, repo, f"f{number}", "() -> i32")


def whole(*records: Record) -> Dataset:
    return Dataset(records, "digest")


TRAIN = [record(number) for number in range(20)]


def test_splits_without_leaks_pass() -> None:
    found = checks.splits(whole(*TRAIN, record(90, "validation"), record(91, "test")), drop_leaks=False)
    assert (len(found.train), len(found.validation), len(found.test)) == (20, 1, 1)
    assert not found.notes


def test_a_repository_in_two_splits_is_refused() -> None:
    ours, theirs = record(1, repo="zlib"), record(90, "test", repo="zlib")
    with pytest.raises(TuneError, match="same repository") as refused:
        checks.splits(whole(*TRAIN[2:], ours, theirs, record(91, "validation")), drop_leaks=False)
    assert "--drop-leaks" in (refused.value.hint or "")


def test_a_near_duplicate_is_refused_though_names_and_numbers_changed() -> None:
    copied = replace(TRAIN[3], id="copy", split="validation", output=TRAIN[3].output.replace("const 21", "const 9"))
    with pytest.raises(TuneError, match="the same text"):
        checks.splits(whole(*TRAIN, copied), drop_leaks=False)


def test_leaks_are_left_out_when_asked() -> None:
    copied = replace(TRAIN[3], id="copy", split="validation")
    found = checks.splits(whole(*TRAIN, copied), drop_leaks=True)
    assert TRAIN[3] not in found.train
    assert "left out 1" in found.notes[0]


def test_other_records_with_the_same_frame_are_no_leak() -> None:
    frame = '(module\n(memory 2)\n(export "memory" (memory 0))\n(func\n{}\n)\n)\n'
    ours = replace(TRAIN[0], output=frame.format("local.get 0 i32.popcnt"), instruction="count the bits of a word")
    theirs = replace(TRAIN[1], output=frame.format("f64.const 2 f64.sqrt"), instruction="the root of two")
    assert not leakage.find([ours], [theirs])


def test_every_copy_is_found() -> None:
    held_out = [replace(one, id=f"held-{one.id}", split="test") for one in TRAIN]
    assert len(leakage.find(TRAIN, held_out)) == len(TRAIN)


def test_without_validation_some_are_held_out_but_never_beside_their_twin() -> None:
    twins = [replace(one, id=f"twin-{one.id}") for one in TRAIN]
    found = checks.splits(whole(*TRAIN, *twins), drop_leaks=False)
    assert found.validation
    assert not leakage.find(found.train, found.validation)
    assert "says little about others" in found.notes[0]


def test_pooled_splits_train_on_a_single_repository() -> None:
    only = [replace(one, split="validation", repo="zstd") for one in TRAIN]
    with pytest.raises(TuneError, match="0 records to train on"):
        checks.splits(whole(*only), drop_leaks=False)
    assert len(checks.splits(whole(*only), drop_leaks=False, pool=True).train) > 8


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_records_are_refused(count: int) -> None:
    with pytest.raises(TuneError, match="too few"):
        checks.splits(whole(*TRAIN[:count], record(90, "validation")), drop_leaks=False)
