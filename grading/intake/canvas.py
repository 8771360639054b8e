"""Canvas's submissions.zip, unpacked: loose files `NAME_USER_FILE_ORIGINAL`, `NAME_LATE_USER_FILE_ORIGINAL` if late.

Canvas writes no `_NUMBER_` into the first part. A text or a link that was handed in has no number of a file:
`NAME_USER_text.html`.
"""

import re
from collections import defaultdict
from pathlib import Path

from grading.intake.listing import Entry, Listing, visible_entries
from grading.intake.names import Wish

NAME = re.compile(
    r"(?P<student>.*?)(?P<late>_LATE)?_(?P<user>\d+)_((?P<file>\d+)_(?P<original>.+)|(?P<typed>(text|link|url)\.html))",
    re.DOTALL,
)


def list_canvas(folder: Path) -> Listing | None:
    """The students whose files lie in a folder; None if no more than half of what lies there has Canvas's names."""
    visible = visible_entries(folder)
    matches = {path: NAME.fullmatch(path.name) for path in visible if path.is_file()}
    files: dict[str, list[tuple[int, Path, re.Match[str]]]] = defaultdict(list)
    for path, match in matches.items():
        if match:
            files[match["user"]].append((int(match["file"] or 0), path, match))
    passed_over = [path.name for path in visible if not matches.get(path)]
    if len(visible) <= 2 * len(passed_over):
        return None
    return Listing("canvas", tuple(_entry(user, found) for user, found in files.items()), tuple(passed_over))


def original_name(name: str) -> str:
    """What the student's file was called before Canvas named it."""
    match = NAME.fullmatch(name)
    return (match["original"] or match["typed"]) if match else name


def _entry(user: str, files: list[tuple[int, Path, re.Match[str]]]) -> Entry:
    files = sorted(files, key=lambda file: file[:2])
    match = files[0][2]
    return Entry(
        Wish(match["student"] or user, (user,), key=user),
        tuple(path for _, path, _ in files),
        late=any(match["late"] for _, _, match in files),
        ids={"id": user, "name": match["student"]},
    )
