"""The student's text reaches the report, and nothing else does."""

import os
from pathlib import Path

import pytest

from grading.reporting.discussion import FILE, MOST_BYTES, PROMPTS, read_discussion


def test_text_by_question(tmp_path: Path) -> None:
    (tmp_path / "discussion.md").write_text(
        "# Mine\n\n## Q1-4: cases\n\nFine-tuned.\n\nReally.\n\n### Q2-2\nYes.\n## Q2-4\n"
    )
    assert read_discussion(tmp_path) == {"Q1-4": "Fine-tuned.\n\nReally.", "Q2-2": "Yes."}


def test_the_untouched_template_is_no_answer(repository: Path) -> None:
    assert read_discussion(repository / "hw4") == {}


def test_students_get_the_template_that_answers_are_told_from(repository: Path) -> None:
    assert (repository / "hw4" / FILE).read_bytes() == PROMPTS.read_bytes()
    assert (repository / "hw4" / FILE) != PROMPTS, "students write into theirs, perhaps in this very checkout"


def test_no_file_is_no_answer(tmp_path: Path) -> None:
    assert read_discussion(tmp_path) == {}


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_only_a_plain_file_is_read(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "discussion.md"
    if kind == "link":
        (tmp_path / "secret").write_text("## Q1-4\nsecret")
        place.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
    assert read_discussion(tmp_path) == {}


def test_a_long_file_is_cut(tmp_path: Path) -> None:
    (tmp_path / "discussion.md").write_text("## Q1-4\n" + "x" * 10**6)
    assert len(read_discussion(tmp_path)["Q1-4"]) < MOST_BYTES
