"""Datasets: what is read, and what is refused, by file and line."""

import json

import pytest
from conftest import RECORDS, dataset, line

from zero_tune import records
from zero_tune.errors import TuneError


def test_harvested_records_are_read() -> None:
    found = records.load(RECORDS)
    assert len(found.records) == 64
    first = found.records[0]
    assert first.repo.startswith("zstd-sys")
    assert first.signature.startswith("(")


def test_a_folder_of_a_harvest_is_read(tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000.jsonl").write_bytes(RECORDS.read_bytes())
    (tmp_path / "rejects.jsonl").write_text('{"reason":"imports"}\n')
    assert records.load(tmp_path).digest == records.load(RECORDS).digest


def test_the_plain_form_gets_a_split_that_does_not_change(tmp_path) -> None:
    lines = [line(f"return {number}") for number in range(400)]
    first = records.load(dataset(tmp_path / "a.jsonl", lines))
    second = records.load(dataset(tmp_path / "b.jsonl", lines[::-1]))
    splits = {record.id: record.split for record in first.records}
    assert splits == {record.id: record.split for record in second.records}
    assert 320 < len(first.split("train")) < 395
    assert first.split("validation")


FAULTS = {
    "no JSON": "{",
    "no object": "[1]",
    "no instruction": json.dumps({"output": "(module)"}),
    "empty instruction": json.dumps(line("  ")),
    "no module": json.dumps(line("x", "int main() {}")),
    "unknown split": json.dumps(line("x", split="dev")),
    "newer schema": json.dumps(line("x", schema_version="2.0.0")),
    "provenance is text": json.dumps(line("x", provenance="here")),
    "id is a number": json.dumps(line("x", id=7)),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_line_is_named(tmp_path, fault: str) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps(line("fine")) + "\n" + FAULTS[fault] + "\n")
    with pytest.raises(TuneError, match=r"records\.jsonl:2: "):
        records.load(path)


def test_bytes_that_are_no_text_are_refused(tmp_path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"instruction": "\xff\xfe"}\n')
    with pytest.raises(TuneError, match=r"records\.jsonl:1"):
        records.load(path)


def test_only_the_first_faults_are_shown(tmp_path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("{\n" * 50)
    with pytest.raises(TuneError, match="50 lines") as refused:
        records.load(path)
    assert "and 45 more" in refused.value.message


def test_two_records_of_one_id_are_refused(tmp_path) -> None:
    path = dataset(tmp_path / "records.jsonl", [line("a", id="1"), line("b", id="1")])
    with pytest.raises(TuneError, match=r"its id is that of records\.jsonl:1"):
        records.load(path)


@pytest.mark.parametrize("name", ["nowhere", "empty", "blank.jsonl"])
def test_no_dataset_is_refused_with_the_command_that_makes_one(tmp_path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.jsonl").write_text("\n\n")
    with pytest.raises(TuneError) as refused:
        records.load(tmp_path / name)
    assert "cargo zero harvest" in (refused.value.hint or "")
