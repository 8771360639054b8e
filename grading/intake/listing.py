"""What a platform's export lists, before its students have their names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grading.intake.names import Wish
from grading.protocol.text import one_line

ARCHIVE_ENDINGS = (".zip", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".tar.bz2", ".rar", ".7z")


class IntakeError(Exception):
    """The folder of a class cannot be read: one line for the instructor."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Entry:
    """What one student has handed in, and how the student should be called.

    Attributes:
        wish: the student's name.
        sources, late, ids: see `HandIn`.
    """

    wish: Wish
    sources: tuple[Path, ...]
    late: bool = False
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """What an export holds.

    Attributes:
        platform: see `HandIn`.
        entries: one for each student.
        passed_over: names in the folder that are no hand-in.
    """

    platform: str
    entries: tuple[Entry, ...]
    passed_over: tuple[str, ...] = ()


def visible_entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without hidden files and what systems leave there.

    Raises:
        IntakeError: it cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise IntakeError(f"{folder}: {error.strerror}") from None
    return [folder / name for name in names if not name.startswith(".") and name not in ("__MACOSX", "Thumbs.db")]


def archive_ending(name: str) -> str:
    """The ending of a name that says that the file is an archive, such as `.tar.gz`; empty if there is none."""
    lower = name.lower()
    return next((name[-len(ending) :] for ending in ARCHIVE_ENDINGS if lower.endswith(ending)), "")
