"""The journal of a run: what it takes for its own, and that a disk or a grader that fails spoils nothing in it."""

import errno
import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from grading.assignment.training_record import Run
from grading.running.journal import Journal, JournalError, JournalInUse

IDENTITY: dict[str, Any] = {
    "submission": "s",
    "epochs": None,
    "data": {"classification": "faces"},
    "weights": {"alexnet": "alexnet.safetensors"},
}
MORE = {"data": {"segmentation": "streets"}, "weights": {"encoder": "encoder.safetensors"}}
BOTH = {key: IDENTITY[key] | MORE[key] for key in MORE}
RUN = Run("Q1-1", 0, (), 1.0, "FAIL", "no")
OTHER = Run("Q2-3-merged", 0, (), 1.0, "FAIL", "no")


def identity(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(IDENTITY), **changes}


def opened(path: Path, *runs: Run, **changes: Any) -> set[tuple[str, int]]:
    """Open a journal of this identity, add trainings and close it; what it held when it was opened."""
    journal = Journal(path, identity(**changes))
    held = set(journal.runs)
    for run in runs:
        journal.add(run)
    journal.close()
    return held


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_of_more_questions_keeps_the_trainings(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    opened(path, RUN)
    assert opened(path, OTHER, **BOTH) == {("Q1-1", 0)}
    assert [("configuration" in line) for line in lines(path)] == [False, True, False, True]
    assert opened(path) == {("Q1-1", 0), ("Q2-3-merged", 0)}
    assert opened(path, **MORE) == {("Q1-1", 0), ("Q2-3-merged", 0)}, "what is not needed now is kept in mind"
    assert len(lines(path)) == 4, "an identity that has not grown is not written again"


def test_what_has_grown_is_still_compared(tmp_path: Path) -> None:
    """After a run that needed streets alone, another version of the faces is still noticed."""
    path = tmp_path / "journal.jsonl"
    opened(path, RUN)
    opened(path, **MORE)
    with pytest.raises(JournalError, match="data differ"):
        opened(path, data={"classification": "other faces"})
    with pytest.raises(JournalError, match="weights differ"):
        opened(path, weights={"encoder": "other", "alexnet": "alexnet.safetensors"})
    assert opened(path) == {("Q1-1", 0)}


@pytest.mark.parametrize(
    "changes",
    [
        {"submission": "t"},
        {"epochs": 1},
        {"data": {"classification": "other faces"}},
        {"data": {**BOTH["data"], "classification": "other faces"}},
        {"weights": {"alexnet": "other"}},
        {"data": "faces"},
        {"new": 1},
    ],
)
def test_the_journal_of_another_run_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    opened(path, RUN)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="holds another run"):
        opened(path, **changes)
    assert path.read_bytes() == before


def test_a_grown_identity_that_contradicts_the_first_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(json.dumps(i) + "\n" for i in (identity(), identity(submission="t"))))
    with pytest.raises(JournalError, match="damaged"):
        opened(path)


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_an_identity_that_was_cut_off_while_it_grew(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    opened(path, RUN)
    opened(path, **BOTH)
    path.write_bytes(path.read_bytes()[:-cut])
    assert opened(path, OTHER, **BOTH) == {("Q1-1", 0)}
    assert opened(path) == {("Q1-1", 0), ("Q2-3-merged", 0)}


def test_it_is_free_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, identity())
    with pytest.raises(JournalInUse):
        Journal(path, identity())
    journal.close()
    opened(path)


@pytest.mark.parametrize("taken", [0, 1, 25])
def test_a_full_disk_leaves_the_file_as_it_was(taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes some bytes of a line; later there is room again."""
    path = tmp_path / "journal.jsonl"
    opened(path, RUN)
    before = path.read_bytes()
    journal = Journal(path, identity())
    descriptor = journal._file.fileno()

    class Full:
        """The file on a disk that has room for a few bytes."""

        def __init__(self) -> None:
            self.room = taken

        def write(self, data: memoryview) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = os.write(descriptor, data[: self.room])
            self.room -= written
            return written

        def fileno(self) -> int:
            return descriptor

        def truncate(self, size: int) -> None:
            os.ftruncate(descriptor, size)

    file = journal._file
    monkeypatch.setattr(journal, "_file", Full())
    with pytest.raises(OSError, match="No space left"):
        journal.add(OTHER)
    assert path.read_bytes() == before
    assert set(journal.runs) == {("Q1-1", 0)}, "what is not on the disk is not kept"
    monkeypatch.setattr(journal, "_file", file)
    journal.add(OTHER)
    journal.close()
    assert opened(path) == {("Q1-1", 0), ("Q2-3-merged", 0)}
