"""What is finished, so that a killed run goes on: one JSON line for each training, appended when it ends."""

import fcntl
import json
import math
import os
import weakref
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from grading.scoring.metrics import Parts

KINDS = ("FINISHED", "FAIL", "TIMEOUT", "OUT_OF_MEMORY", "CRASH", "GRADER_ERROR")
PARTS = {field.name for field in fields(Parts)}


class JournalError(Exception):
    """The journal belongs to another run, is damaged or in use; one line."""


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        history: by epoch, `{"epoch": 1, "loss": ..., metric: value, ...}`.
        seconds: wall time.
        kind: how it ended: `FINISHED`, `FAIL` (an error of the submission's, or answers that cannot be used),
            `TIMEOUT`, `OUT_OF_MEMORY`, `CRASH`, or `GRADER_ERROR`, which says nothing about the submission.
        failure: why it ended early; None where it was finished.
        images: the parts of the tail's metrics, image by image; see `grading.scoring.metrics.Parts`. None where the training
            did not reach its last epoch.
    """

    configuration: str
    seed: int
    history: tuple[dict[str, float], ...]
    seconds: float
    kind: str = "FINISHED"
    failure: str | None = None
    images: dict[str, list[list[float]]] | None = None

    def values(self, metric: str) -> list[float]:
        """The metric's value after each epoch."""
        return [epoch[metric] for epoch in self.history]

    def initial(self, metric: str) -> float:
        """After the first epoch."""
        return self.values(metric)[0]

    def early(self, metric: str) -> float:
        """Mean over the first fifth of the epochs, at least one."""
        return fmean(self.values(metric)[: tail_length(len(self.history))])

    def best(self, metric: str) -> float:
        """After the best epoch."""
        return max(self.values(metric))

    def tail(self, metric: str) -> float:
        """Mean over the last fifth of the epochs, at least one: unlike the best epoch, not biased upwards."""
        values = self.values(metric)
        last = values[-tail_length(len(values)) :]
        return sum(last) / len(last)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; what a kill leaves is overwritten the next time."""
    aside = path.with_name(f".{path.name}.part")
    # A byte of a file name that is no UTF-8, in a path or in a message, must not cost the file.
    aside.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(aside, path)


def tail_length(epochs: int) -> int:
    """How many epochs a fifth of them is, at least one."""
    return max(1, epochs // 5)


class Journal:
    """The finished trainings of one run, in a file that this process has locked: it cannot be opened twice.

    The kernel releases the lock when this object or its process is gone, whatever ended it. A training that ended as
    GRADER_ERROR is not finished when the file is opened again: it is trained anew.

    Args:
        path: the file; made where it is missing.
        identity: what the run is about; a journal of another identity is refused.

    Raises:
        JournalError: the file belongs to another run, is damaged, or another grader is at work on it.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.runs: dict[tuple[str, int], Run] = {}
        self._file = path.open("a+b")
        weakref.finalize(self, self._file.close)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(f"{path.parent} is in use: another grader is at work on this run") from None
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            found, *runs = [json.loads(line) for line in whole.decode().split("\n")[:-1]] or [None]
            for run in map(_run_of, runs):
                if (run.configuration, run.seed) in self.runs:
                    raise ValueError("a training that was journalled twice")
                if run.kind != "GRADER_ERROR":
                    self.runs[run.configuration, run.seed] = run
            if not isinstance(found, dict | None):
                raise TypeError("no identity")
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
            raise JournalError(f"{path}: damaged ({type(error).__name__}); choose another --out") from None
        expected = json.loads(json.dumps(identity))
        if found is not None and found != expected:
            differ = sorted(key for key in {*expected, *found} if found.get(key) != expected.get(key))
            raise JournalError(f"{path.parent} holds another run: {', '.join(differ)} differ; choose another --out")
        # A line that a kill cut off must not glue itself to the next.
        self._file.truncate(len(whole))
        if found is None:
            self._append(expected)

    def add(self, run: Run) -> None:
        """Append a training; it is on the disk when this returns."""
        self.runs[run.configuration, run.seed] = run
        self._append(asdict(run))

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


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
    metrics = {"epoch", "loss", *(run.history[0] if run.history else ())}
    for number, epoch in enumerate(run.history, start=1):
        _check(type(epoch) is dict and metrics <= set(epoch) and epoch["epoch"] == number)
        _check(all(map(_is_number, epoch.values())))
    if run.images is not None:
        _check(type(run.images) is dict and set(run.images) == PARTS)
        images, classes = {len(part) for part in run.images.values()}, set()
        for row in (row for part in run.images.values() for row in part):
            _check(type(row) is list and all(map(_is_number, row)))
            classes.add(len(row))
        _check(len(images) == len(classes) == 1 and 0 not in images | classes)
    _check(run.failure is not None or (bool(run.history) and run.images is not None))
    return run


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError("not as it was written")


def _is_number(value: object) -> bool:
    """Whether it is one that can be computed with; NaN is."""
    return type(value) is float or (type(value) is int and abs(value) < 2**53)
