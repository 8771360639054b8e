"""The student's answers to the discussion questions: text for a person, which is never judged here."""

import os
import re
import stat
from pathlib import Path

from grading import PACKAGE
from grading.protocol.submission import CAUTIOUSLY
from grading.protocol.text import cleaned

FILE = "discussion.md"
MOST_BYTES = 64 * 1024
HEADING = re.compile(r"^#+\s*(Q\d-\d)\b.*$", re.MULTILINE)
# As it was handed out: a student may have written into the one in hw4/.
PROMPTS = PACKAGE / "assignment" / FILE


def read_discussion(folder: Path) -> dict[str, str]:
    """The text below each question's heading in the `discussion.md` of a submission, by question.

    The submission may put anything there, so links are not followed, only a regular file is read, and only its first
    MOST_BYTES. A question that still has the prompt below its heading has no answer.
    """
    try:
        descriptor = os.open(folder / FILE, CAUTIOUSLY)
    except OSError:
        return {}
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return {}
        text = cleaned(os.read(descriptor, MOST_BYTES).decode("utf-8-sig", errors="replace"), MOST_BYTES)
    finally:
        os.close(descriptor)
    prompts = sections(PROMPTS.read_text(encoding="utf-8")) if PROMPTS.is_file() else {}
    return {
        question: answer for question, answer in sections(text).items() if answer not in ("", prompts.get(question))
    }


def sections(text: str) -> dict[str, str]:
    """The text below each heading that begins with a question's id, by question."""
    parts = HEADING.split(text)
    return {question: below.strip() for question, below in zip(parts[1::2], parts[2::2], strict=True)}
