"""The folder of a gradebook: one folder for each student, and what was known of all when the last run ended."""

import json
import os
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from grading.assignment.files import write_whole
from grading.running.resolve import UsageError
from grading.sandbox.file_lock import lock

LAST = ".last.json"


class GradebookFolder:
    """The folder of a gradebook, which this process has locked: two runs cannot write into it at a time.

    The lock lasts for a `with` block, and no longer than the process, whatever ends it.

    Attributes:
        path: where it is; made if it is missing.
        last: by student, the results.json of the last run that came to its end, without what programs alone read.

    Raises:
        UsageError: it cannot be written, or another run is at work on it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            self._release = weakref.finalize(self, os.close, self._lock)
            lock(self._lock)
        except BlockingIOError:
            raise UsageError(f"{path} is in use: another run is at work on this gradebook") from None
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be written ({error.strerror or error}); give another folder as --out"
            ) from None
        self.last: Mapping[str, Any] = _json_in(path / LAST) or {}

    def __enter__(self) -> "GradebookFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def of(self, student: str) -> Path:
        """A student's folder; made if it is missing."""
        folder = self.path / student
        folder.mkdir(exist_ok=True)
        return folder

    def document(self, student: str) -> dict[str, Any] | None:
        """What the student's results.json holds; None if there is none."""
        return _json_in(self.path / student / "results.json")

    def keep(self, documents: Mapping[str, Any]) -> None:
        """Note what the next run is compared with: the documents of students, and those of others as they are."""
        kept = {student: _without_histories(document) for student, document in documents.items()}
        write_whole(self.path / LAST, json.dumps({**self.last, **kept}) + "\n")


def _json_in(path: Path) -> dict[str, Any] | None:
    """The object in a file; None if there is no such file, or a kill or a person has damaged it."""
    with suppress(OSError, ValueError, RecursionError):
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            return document
    return None


def _without_histories(document: Mapping[str, Any]) -> dict[str, Any]:
    """A results.json without the epochs of its trainings: the largest part, of which no page of the class speaks."""
    extra = dict(document["extra_data"])
    extra["configurations"] = [{**c, "seeds": []} for c in extra["configurations"]]
    return {**document, "extra_data": extra}
