"""A folder of folders and archives, one for each student."""

from pathlib import Path

from grading.intake.listing import Entry, Listing, archive_ending, visible_entries
from grading.intake.names import Wish


def list_folders(folder: Path) -> Listing:
    """The folders and archives in a folder; a student is called what stands before the archive's ending."""
    entries, passed_over = [], []
    for path in visible_entries(folder):
        if path.is_dir():
            entries.append(_entry(path, path.name, "folder"))
        elif path.is_file() and (ending := archive_ending(path.name)):
            entries.append(_entry(path, path.name.removesuffix(ending), ending.strip(".").replace(".", "-")))
        else:
            passed_over.append(path.name)
    return Listing("folders", tuple(entries), tuple(passed_over))


def _entry(path: Path, name: str, kind: str) -> Entry:
    # A link was made by the instructor, so it may lead anywhere.
    return Entry(Wish(name, (kind,), key=path.name), (path.resolve(),))
