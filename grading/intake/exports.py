"""Which platform's export a folder is, and who has handed in."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from grading.intake.canvas import list_canvas
from grading.intake.folders import list_folders
from grading.intake.github import list_github
from grading.intake.gradescope import list_gradescope
from grading.intake.hand_in import HandIn
from grading.intake.listing import IntakeError, Listing, archive_ending, visible_entries
from grading.intake.names import unique_names
from grading.protocol.text import one_line

# The first that knows the folder lists it.
PLATFORMS = (list_gradescope, list_github, list_canvas)


@dataclass(frozen=True)
class ClassFolder:
    """What a class has handed in.

    Attributes:
        platform: whose export it is: see `HandIn`.
        hand_ins: one for each student, sorted by name.
        passed_over: printable names of what lies in the folder and is no hand-in; hidden files are not mentioned.
    """

    platform: str
    hand_ins: tuple[HandIn, ...]
    passed_over: tuple[str, ...] = ()


def read_class(folder: Path) -> ClassFolder:
    """List what lies in a platform's export, or in a folder that holds nothing but the export.

    Nothing that a student handed in is opened: a damaged hand-in is listed too.

    Raises:
        IntakeError: the folder is of no use, or a platform's file of metadata cannot be read.
    """
    if not os.path.isdir(folder):
        what = "is a file: unpack the export, and name its folder" if os.path.exists(folder) else "does not exist"
        raise IntakeError(f"{folder} {what}")
    folder = folder.absolute()  # who grades may have another working directory
    listing = _platform_listing(folder) or _inner_listing(folder) or list_folders(folder)
    if not listing.entries:
        raise IntakeError(
            f"{folder}: nothing was handed in there: it should hold a folder or an archive for each student"
        )
    names = unique_names([entry.wish for entry in listing.entries])
    hand_ins = (
        HandIn(name, entry.sources, entry.late, listing.platform, entry.ids)
        for name, entry in zip(names, listing.entries, strict=True)
    )
    ordered = sorted(hand_ins, key=lambda hand_in: (hand_in.student.casefold(), hand_in.student))
    return ClassFolder(listing.platform, tuple(ordered), tuple(map(one_line, listing.passed_over)))


def _platform_listing(folder: Path) -> Listing | None:
    listings = (list_export(folder) for list_export in PLATFORMS)
    return next((listing for listing in listings if listing), None)


def _inner_listing(folder: Path) -> Listing | None:
    """The listing of the only folder in a folder, as some programs unpack an archive into a folder of its own.

    Files may lie beside it, such as the platform's gradebook, but no archive: it could be a hand-in.
    """
    visible = visible_entries(folder)
    inner = [path for path in visible if path.is_dir()]
    if len(inner) != 1 or any(archive_ending(path.name) for path in visible if path.is_file()):
        return None
    listing = _platform_listing(inner[0])
    beside = tuple(path.name for path in visible if path not in inner)
    return listing and replace(listing, passed_over=(*beside, *listing.passed_over))
