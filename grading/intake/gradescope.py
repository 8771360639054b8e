"""Gradescope's "Export Submissions", unpacked: `submission_metadata.yml` beside a folder for each submission.

The metadata's keys are Ruby's symbols, such as `:sid`. All values are read as text: YAML would read a student's number
007 as 7, and the name No as false. Most of the file are old results, which may be megabytes: they are not built.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from grading.intake.listing import Entry, IntakeError, Listing, visible_entries
from grading.intake.names import Wish

METADATA = "submission_metadata.yml"
WANTED = (":submitters", ":late")
Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # C's is ten times as fast


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
    """What is WANTED of each submission, by the name of its folder.

    Raises:
        IntakeError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _submissions(yaml.parse(file, Loader))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise IntakeError(f"{path} cannot be read: {error}") from None


def _submissions(events: Iterator[yaml.Event]) -> dict[str, dict[str, Any]]:
    """The submissions in a document.

    Raises:
        ValueError: it is not Gradescope's.
    """
    document = next((event for event in events if isinstance(event, yaml.NodeEvent)), None)
    if not isinstance(document, yaml.MappingStartEvent):
        raise ValueError("it should list submissions by the names of their folders")
    submissions: dict[str, dict[str, Any]] = {}
    for name, value in _pairs(events):
        if not _is_plain(name):
            raise ValueError(f"{name!r} is not the name of a folder")
        submissions[name] = {}
        if not isinstance(value, yaml.MappingStartEvent):
            _skip(value, events)
            continue
        for key, fact in _pairs(events):
            if key in WANTED:
                submissions[name][key] = _built(fact, events)
            else:
                _skip(fact, events)
    return submissions


def _pairs(events: Iterator[yaml.Event]) -> Iterator[tuple[str, yaml.Event]]:
    """The keys of a mapping that has begun, each with the first event of its value; the caller takes the others.

    Raises:
        ValueError: a key is no text.
    """
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        if not isinstance(key, yaml.ScalarEvent):
            raise ValueError("a key is no text")
        yield key.value, next(events)


def _built(first: yaml.Event, events: Iterator[yaml.Event]) -> Any:
    """A value of texts, lists and dictionaries. An alias is an empty text."""
    if isinstance(first, yaml.MappingStartEvent):
        return {key: _built(value, events) for key, value in _pairs(events)}
    if isinstance(first, yaml.SequenceStartEvent):
        values = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            values.append(_built(event, events))
        return values
    return first.value if isinstance(first, yaml.ScalarEvent) else ""


def _skip(first: yaml.Event, events: Iterator[yaml.Event]) -> None:
    """Pass over the rest of a value."""
    depth = int(isinstance(first, yaml.CollectionStartEvent))
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)


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
