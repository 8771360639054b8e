"""What is finished, so that a killed run goes on: one JSON line for each training, appended when it ends."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class JournalError(Exception):
    """The journal belongs to another run; one line."""


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        history: by epoch, `{"epoch": 1, "loss": ..., metric: value, ...}`.
        seconds: wall time.
        kind: how it ended: `FINISHED`, `FAIL` (an error of the submission's, or answers that cannot be used),
            `TIMEOUT`, `OUT_OF_MEMORY`, `CRASH`, or `GRADER_ERROR`, which says nothing about the submission.
        failure: why it ended early; None where it was finished.
        images: the parts of the tail's metrics, image by image; see `grading.scoring.Parts`. None where the training
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
    """How many epochs the last fifth has, at least one."""
    return max(1, epochs // 5)


class Journal:
    """The finished trainings of one run, in a file.

    Args:
        path: the file; made where it is missing.
        identity: what the run is about; a journal of another identity is refused.

    Raises:
        JournalError: the file belongs to another run.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self._path = path
        self.runs: dict[tuple[str, int], Run] = {}
        try:
            lines = _whole_lines(path)
            runs = [Run(**{**line, "history": tuple(line["history"])}) for line in lines[1:]]
            found = dict(lines[0]) if lines else None
        except (ValueError, TypeError, KeyError) as error:
            raise JournalError(f"{path}: damaged ({type(error).__name__}); choose another --out") from None
        if found is None:
            write_whole(path, json.dumps(identity) + "\n")
            return
        expected = json.loads(json.dumps(identity))
        if found != expected:
            differ = sorted(key for key in {*expected, *found} if found.get(key) != expected.get(key))
            raise JournalError(f"{path.parent} holds another run: {', '.join(differ)} differ; choose another --out")
        self.runs = {(run.configuration, run.seed): run for run in runs}
        # A line that a kill cut off must not glue itself to the next.
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_whole(path, text)

    def add(self, run: Run) -> None:
        """Append a training; it is on the disk when this returns."""
        self.runs[run.configuration, run.seed] = run
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(run)) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _whole_lines(path: Path) -> list[Any]:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]
