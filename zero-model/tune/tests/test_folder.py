"""The folder of a run: which checkpoints count, and which runs may go on."""

import pytest

from zero_tune.errors import TuneError
from zero_tune.folder import RunFolder, seal

RUN = {"base": "b", "settings": {"seed": 1}}


def checkpoint(folder: RunFolder, step: int, *, sealed: bool) -> None:
    path = folder.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "weights").write_bytes(b"x" * step)
    if sealed:
        seal(path)


def test_a_new_run_has_no_checkpoint(tmp_path) -> None:
    assert RunFolder(tmp_path / "out").start(RUN, resume=False) is None


def test_the_newest_complete_checkpoint_counts(tmp_path, monkeypatch) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.start(RUN, resume=False)
    checkpoint(folder, 9, sealed=True)
    checkpoint(folder, 10, sealed=True)
    checkpoint(folder, 11, sealed=False)
    found = folder.start(RUN, resume=True)
    assert found is not None
    assert found.name == "checkpoint-10"
    monkeypatch.setenv("RANK", "1")
    folder.remove_partial()
    assert (folder.checkpoints / "checkpoint-11").exists()
    monkeypatch.setenv("RANK", "0")
    folder.remove_partial()
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["checkpoint-10", "checkpoint-9"]


def test_a_checkpoint_that_was_cut_off_does_not_count(tmp_path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.start(RUN, resume=False)
    checkpoint(folder, 5, sealed=True)
    (folder.checkpoints / "checkpoint-5" / "weights").write_bytes(b"x")
    assert folder.start(RUN, resume=True) is None


def test_a_run_is_not_overwritten(tmp_path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.start(RUN, resume=False)
    with pytest.raises(TuneError) as refused:
        folder.start(RUN, resume=False)
    assert "--resume" in (refused.value.hint or "")


def test_a_check_writes_nothing_and_only_the_first_process_refuses(tmp_path, monkeypatch) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.check(RUN, resume=False)
    assert not folder.path.exists()
    folder.start(RUN, resume=False)
    with pytest.raises(TuneError, match="a run already"):
        folder.check(RUN, resume=False)
    # By the time that another process looks, the first one may have begun.
    monkeypatch.setenv("RANK", "1")
    folder.check(RUN, resume=False)


def test_another_run_does_not_go_on(tmp_path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.start(RUN, resume=False)
    with pytest.raises(TuneError, match="other settings: settings"):
        folder.start({**RUN, "settings": {"seed": 2}}, resume=True)


def test_a_folder_with_other_things_is_left_alone(tmp_path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(TuneError, match="not empty"):
        RunFolder(tmp_path).start(RUN, resume=True)
