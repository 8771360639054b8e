"""Gradescope's "Download Submissions", unpacked: `submission_metadata.yml` beside a folder for each submission.

The metadata's keys are Ruby's symbols, such as `:sid`. All values are read as text: YAML would read a student's number
007 as 7, and the name No as false.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from grading.intake.listing import Entry, IntakeError, Listing, visible_entries
from grading.intake.names import Wish

METADATA = "submission_metadata.yml"
Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # C's is ten times as fast: the file holds every result, too


def list_gradescope(folder: Path) -> Listing | None:
    """The submitters of an export, each with the submission's folder; None if the folder holds no metadata.

    Raises:
        IntakeError: the metadata cannot be read.
    """
    visible = visible_entries(folder)
    if folder / METADATA not in visible:
        return None
    submissions = _metadata(folder / METADATA)
    unlisted = [path for path in visible if path.name not in submissions and path.is_dir()]
    entries = [entry for name, facts in submissions.items() for entry in _entries(folder / name, facts)]
    entries += [entry for path in unlisted for entry in _entries(path, {})]
    known = {METADATA, *submissions, *(path.name for path in unlisted)}
    return Listing("gradescope", tuple(entries), tuple(path.name for path in visible if path.name not in known))


def _metadata(path: Path) -> dict[str, dict[str, Any]]:
    """What is known of each submission, by the name of its folder.

    Raises:
        IntakeError: it cannot be read.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8-sig"), Loader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise IntakeError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict) or not all(map(_is_plain, document)):
        raise IntakeError(f"{path} is not Gradescope's: it should list submissions by the names of their folders")
    return {name: facts if isinstance(facts, dict) else {} for name, facts in document.items()}


def _is_plain(name: str) -> bool:
    return name not in ("", "..") and "\0" not in name and Path(name).name == name


def _entries(source: Path, facts: dict[str, Any]) -> Iterator[Entry]:
    """An entry for each of a submission's submitters, or one if nobody is named."""
    submission = source.name.removeprefix("submission_")
    late = facts.get(":late") == "true"
    submitters = facts.get(":submitters")
    people = [person for person in submitters if isinstance(person, dict)] if isinstance(submitters, list) else []
    for number, person in enumerate(people or [{}]):
        ids = {word: person.get(f":{word}") for word in ("name", "sid", "email")}
        texts = {word: text for word, text in ids.items() if isinstance(text, str) and text}
        name = texts.get("email", "").partition("@")[0] or texts.get("sid") or texts.get("name") or source.name
        wish = Wish(name, (texts.get("sid", ""), submission), key=f"{source.name}/{number}")
        yield Entry(wish, (source,), late, {**texts, "submission": submission})
