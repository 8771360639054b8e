"""What is finished, so that a killed run goes on: one JSON line for each training, appended when it ends."""

import json
import math
import os
import weakref
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from grading.assignment.training_record import MOST_PEAK_BYTES, Run
from grading.sandbox.file_lock import lock
from grading.scoring.metrics import ImageCounts

KINDS = ("FINISHED", "FAIL", "TIMEOUT", "OUT_OF_MEMORY", "CRASH", "GRADER_ERROR")
PARTS = {field.name for field in fields(ImageCounts)}


# Of the identity, what each configuration needs a part of, by name.
PARTS_OF_IDENTITY = ("data", "weights")


class JournalError(Exception):
    """The journal belongs to another run, is damaged or in use; one line."""


class JournalInUse(JournalError):
    """Another grader is at work on the journal."""


class Journal:
    """The finished trainings of one run, in a file that this process has locked: it cannot be opened twice.

    The kernel releases the lock when this object or its process is gone, whatever ended it. A training that ended as
    GRADER_ERROR is not finished when the file is opened again: it is trained anew.

    Args:
        path: the file; made if it is missing.
        identity: what the run is about; a journal of another identity is refused. What is named in PARTS_OF_IDENTITY
            may grow: a run of other configurations needs other data and weights.

    Raises:
        JournalInUse: another grader is at work on it.
        JournalError: it belongs to another run, or is damaged.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self._file = path.open("a+b", buffering=0)  # a line that did not fit on the disk must not be written later
        weakref.finalize(self, self._file.close)
        try:
            lock(self._file.fileno())
        except BlockingIOError:
            self._file.close()
            raise JournalInUse(f"{path.parent} is in use: another grader is at work on this run") from None
        try:
            self._take_in(path, json.loads(json.dumps(identity)))
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Release the lock, before this object is gone."""
        self._file.close()

    def add(self, run: Run) -> None:
        """Append a training; it is on the disk when this returns.

        Raises:
            OSError: it cannot be written, and the file is as before.
        """
        self._append(asdict(run))
        self.runs[run.configuration, run.seed] = run

    def _take_in(self, path: Path, expected: dict[str, Any]) -> None:
        """Read what is in the file, and write the identity if it is not there."""
        self._file.seek(0)
        content = self._file.readall()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            written, every = _read(whole.decode())
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
            raise JournalError(f"{path}: damaged ({type(error).__name__}); choose another --out") from None
        if written is not None and (differ := _differences(written, expected)):
            raise JournalError(f"{path.parent} holds another run: {', '.join(differ)} differ; choose another --out")
        self.runs = {key: run for key, run in every.items() if run.kind != "GRADER_ERROR"}
        # A line that a kill cut off must not join the next one.
        self._file.truncate(len(whole))
        merged = {key: {**(written or {}).get(key, {}), **expected.get(key, {})} for key in PARTS_OF_IDENTITY}
        expected |= {key: merged[key] for key in PARTS_OF_IDENTITY if key in expected}
        if written != expected:
            self._append(expected)

    def _append(self, line: dict[str, Any]) -> None:
        end = os.fstat(self._file.fileno()).st_size
        rest = memoryview(json.dumps(line).encode() + b"\n")
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(end)
            raise


def _differences(written: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """What two identities differ in, sorted."""
    differ = {key for key in {*expected, *written} if written.get(key) != expected.get(key)}
    for key in PARTS_OF_IDENTITY:
        here, there = written.get(key), expected.get(key)
        if (
            isinstance(here, dict)
            and isinstance(there, dict)
            and all(here[name] == there[name] for name in here & there.keys())
        ):
            differ.discard(key)
    return sorted(differ)


def _read(lines: str) -> tuple[dict[str, Any] | None, dict[tuple[str, int], Run]]:
    """The identity in a journal, None if there is none yet, and its trainings.

    A line of an identity stands at the beginning; another one, which differs, stands in front of the first training of
    a run that needed more data or weights.

    Raises:
        ValueError, TypeError, KeyError, ArithmeticError: a line is not as it was written.
    """
    identity: dict[str, Any] | None = None
    every: dict[tuple[str, int], Run] = {}
    for line in map(json.loads, lines.split("\n")[:-1]):
        if type(line) is not dict:
            raise TypeError("neither an identity nor a training")
        if identity is None or "configuration" not in line:
            _check("configuration" not in line)
            _check(identity is None or (line != identity and not _differences(identity, line)))
            identity = line
            continue
        run = _run_of(line)
        _check((run.configuration, run.seed) not in every or every[run.configuration, run.seed].kind == "GRADER_ERROR")
        every[run.configuration, run.seed] = run
    return identity, every


def _run_of(line: dict[str, Any]) -> Run:
    """The training in a line of a journal.

    Raises:
        ValueError, TypeError, KeyError, ArithmeticError: the line holds anything but what `Journal.add` wrote.
    """
    run = Run(**{**line, "history": tuple(line["history"])})
    _check(type(run.configuration) is str and type(run.seed) is int and run.seed >= 0)
    _check(run.kind in KINDS and type(run.failure) in (str, type(None)))
    _check((run.kind == "FINISHED") == (run.failure is None))
    _check(_is_number(run.seconds) and 0 <= run.seconds < math.inf)
    _check(run.peak_bytes is None or (type(run.peak_bytes) is int and 0 <= run.peak_bytes < MOST_PEAK_BYTES))
    metrics = {"epoch", "loss", *(run.history[0] if run.history else ())}
    for number, epoch in enumerate(run.history, start=1):
        _check(type(epoch) is dict and metrics <= set(epoch) and epoch["epoch"] == number)
        _check(all(map(_is_number, epoch.values())))
    if run.counts_by_image is not None:
        _check(type(run.counts_by_image) is dict and set(run.counts_by_image) == PARTS)
        images, classes = {len(part) for part in run.counts_by_image.values()}, set()
        for row in (row for part in run.counts_by_image.values() for row in part):
            _check(type(row) is list and all(map(_is_number, row)))
            classes.add(len(row))
        _check(len(images) == len(classes) == 1 and 0 not in images | classes)
    _check(run.failure is not None or (bool(run.history) and run.counts_by_image is not None))
    return run


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError("not as it was written")


def _is_number(value: object) -> bool:
    """Whether it is one that can be computed with; NaN is."""
    return type(value) is float or (type(value) is int and abs(value) < 2**53)
