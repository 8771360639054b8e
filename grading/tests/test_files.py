"""Files that are there whole or not at all, if another program has the old one open, too."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from grading.assignment import files
from grading.assignment.files import TRIES, write_whole

USUAL = os.replace


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Renaming fails as often as the one number in this list says, as on Windows if the file is open."""
    left = [0]

    def replace(source: Path, target: Path) -> None:
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "it is being used by another process")
        USUAL(source, target)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(files, "SECONDS_BETWEEN", 0.0)
    return left


@pytest.mark.parametrize("times", [0, 1, TRIES - 1])
def test_on_windows_a_file_is_written_when_it_is_closed(
    times: int, refusals: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "sys", SimpleNamespace(platform="win32"))
    refusals[0] = times
    write_whole(tmp_path / "a.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"


@pytest.mark.parametrize(("platform", "times"), [("win32", TRIES), ("linux", 1), ("darwin", 1)])
def test_a_file_that_stays_open_is_as_before(
    platform: str, times: int, refusals: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "a.txt", "old")
    monkeypatch.setattr(files, "sys", SimpleNamespace(platform=platform))
    refusals[0] = times
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "a.txt", "new")
    assert refusals == [0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"old"
