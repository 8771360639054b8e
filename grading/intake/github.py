"""Clones of GitHub Classroom's repositories, `ASSIGNMENT-LOGIN/`, as `gh classroom clone student-repos` makes them."""

import os
from pathlib import Path

from grading.intake.listing import Entry, Listing, archive_ending, visible_entries
from grading.intake.names import Wish

FOLDER_ENDING = "-submissions"


def list_github(folder: Path) -> Listing | None:
    """The clones in a folder; None if not everything that was handed in is a clone, or nothing says whose it is.

    What stands before the logins is the assignment's name, if the folder is called `ASSIGNMENT-submissions`, else what
    all clones' names have in common up to a dash.
    """
    visible = visible_entries(folder)
    clones = [path for path in visible if path.is_dir()]
    if not clones or not all(os.path.lexists(path / ".git") for path in clones):
        return None
    others = [path.name for path in visible if path not in clones]
    prefix = _prefix(folder, [path.name for path in clones])
    if not prefix or any(map(archive_ending, others)):
        return None
    return Listing("github", tuple(_entry(path, path.name.removeprefix(prefix)) for path in clones), tuple(others))


def _prefix(folder: Path, names: list[str]) -> str:
    """What the names of clones begin with before a login; empty if that is unknown."""
    name = folder.resolve().name
    prefix = name.removesuffix(FOLDER_ENDING) + "-"
    if name.endswith(FOLDER_ENDING) and all(name.startswith(prefix) and name != prefix for name in names):
        return prefix
    if len(names) == 1:
        return ""
    common = os.path.commonprefix(names)
    return common[: common.rfind("-") + 1]


def _entry(clone: Path, login: str) -> Entry:
    ids = {"login": login, "repository": clone.name}
    return Entry(Wish(login, (), key=clone.name), (clone,), ids=ids)
