"""Text lists are read from programs of every kind."""

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.data.arrays import DataError
from grading.data.lists import last_parts, read_list

TEXT = "train/a.png trainannot/a.png\ntrain/b.png trainannot/b.png\n"
LINES = [(1, "train/a.png trainannot/a.png"), (2, "train/b.png trainannot/b.png")]

WRITERS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "Notepad": lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
    "two marks": lambda text: 2 * codecs.BOM_UTF8 + text.encode(),
    "PowerShell": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first, without a mark": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
    "old Macintosh": lambda text: text.replace("\n", "\r").encode(),
    "no last line": lambda text: text.rstrip("\n").encode(),
    "blank last lines": lambda text: (text + "\n  \n\t\n").encode(),
    "DOS": lambda text: text.replace("\n", "\r\n").encode() + b"\x1a",
    "trailing spaces": lambda text: text.replace("\n", " \t\u00a0\n").encode(),
    "invisible ends": lambda text: text.replace("\n", "\u200b\u200e\n").encode(),
    "backslashes": lambda text: text.replace("/", "\\").encode(),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_lists_of_every_program_are_read(writer: str, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes(WRITERS[writer](TEXT))
    assert read_list(tmp_path / "train.txt") == LINES


def test_line_numbers_count_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\n\na\x0cb\n \nM\xfcller\n")
    assert read_list(tmp_path / "list.txt") == [(3, "a\x0cb"), (5, "M\udcfcller")]


def test_only_the_last_parts_of_a_path_count() -> None:
    assert last_parts("C:/my data/CamVid/train/X.png", 2) == "train/X.png"
    assert last_parts("../../etc//passwd", 1) == "passwd"
    assert last_parts("", 2) == ""


def test_a_list_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"list\.txt: cannot be read \(No such file.*\); put the published list there"):
        read_list(tmp_path / "list.txt")
