"""A class whose tests and trainings are quick: functions stand in for pytest and for a training, and count."""

import csv
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Lock

from grading.assignment.assignment import MISTAKEN, OBEYED, Configuration
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.checker.catalogue import write_submission
from grading.commands import class_
from grading.running.plan import Plan
from grading.running.pytest_server import PytestServer, TestRun
from grading.sandbox.worker import Worker
from grading.scoring.metrics import ImageCounts

WRONG = "# WRONG\n"  # a submission with this line fails one test
BEST = 0.95  # what a training reaches
FIELDS = [field.name for field in fields(ImageCounts)]


def _nothing(*_: object) -> None: ...


@dataclass
class ClassWorld:
    """What a class has handed in, its gradebook, and what was done to grade it.

    Attributes:
        submissions: the folder of the class.
        book: the gradebook.
        tested: the student of each run of tests, in the order of their starts.
        trained: the student, configuration and seed of each training, in that order.
        before_tests, before_training: called with the student before each.
    """

    submissions: Path
    book: Path
    tested: list[str] = field(default_factory=list)
    trained: list[tuple[str, str, int]] = field(default_factory=list)
    before_tests: Callable[[str], object] = _nothing
    before_training: Callable[[str], object] = _nothing
    lock: Lock = field(default_factory=Lock)

    def hand_in(self, student: str, classes: str | None = None, discussion: str | None = None) -> Path:
        """Write a student's submission.

        Args:
            classes: the text of classes.py, in place of the reference's.
        """
        folder = write_submission(self.submissions / student, {} if classes is None else {"classes": classes})
        if discussion is not None:
            (folder / "discussion.md").write_text(discussion)
        return folder

    def hand_in_wrong(self, student: str) -> Path:
        folder = self.hand_in(student)
        (folder / "classes.py").write_text(WRONG + (folder / "classes.py").read_text())
        return folder

    def grade(self, *options: str) -> int:
        """Run the class command; `tested` and `trained` begin anew."""
        self.tested.clear()
        self.trained.clear()
        usual = ["--out", str(self.book), "--unsafe", "--profile", "mini", "--seeds", "1", "--jobs", "2"]
        only = [] if "--only" in options else ["--only", "Q2-3"]
        return class_.main([str(self.submissions), *usual, *only, *options])

    def rows(self, file: str = "gradebook.csv") -> dict[str, dict[str, str]]:
        """The rows of a file of the gradebook, by student."""
        lines = (self.book / file).read_text("utf-8-sig").splitlines()
        return {row["student"]: row for row in csv.DictReader(lines)}

    def total(self, student: str) -> str:
        """A student's total in gradebook.csv."""
        return self.rows()[student]["total"]

    def fault(self, student: str) -> str | None:
        """Whose fault it is that a student's submission was not graded; None if it was."""
        document = json.loads((self.book / student / "results.json").read_text())
        fault = document["extra_data"].get("fault")
        return fault and str(fault["of"])

    def verdicts(self, student: str) -> dict[str, str]:
        document = json.loads((self.book / student / "results.json").read_text())
        return {c["id"]: c["verdict"] for c in document["extra_data"]["configurations"]}

    def train(
        self, plan: Plan, configuration: Configuration, seed: int, worker: Worker, progress: object, keep: object
    ) -> Run:
        """Stands in for `train_and_score`: every epoch is better than the last one."""
        student = plan.submission.name
        with self.lock:
            self.trained.append((student, configuration.id, seed))
        self.before_training(student)
        epochs = plan.protocol(configuration)["epochs"]
        metrics = {OBEYED, MISTAKEN} if configuration.control else {configuration.metric, *configuration.published}
        history = tuple(
            {"epoch": epoch, "loss": 1 / epoch, **dict.fromkeys(sorted(metrics), BEST * epoch / epochs)}
            for epoch in range(1, epochs + 1)
        )
        counts = {part: [[1.0] * configuration.num_classes] * 2 for part in FIELDS}
        return Run(configuration.id, seed, history, 0.1, counts_by_image=counts)

    def test(self, tests: TestRun) -> int | None:
        """Stands in for pytest: the first test fails if the submission is wrong."""
        student = tests.submission.name
        with self.lock:
            self.tested.append(student)
        self.before_tests(student)
        listed = {id: question for id, question in listed_tests().items() if id.partition("::")[0] in tests.files}
        is_wrong = WRONG in (tests.submission.folder / "classes.py").read_text()
        lines: list[dict[str, object]] = [{"test": id, "question": question} for id, question in listed.items()]
        failing = next(id for id in sorted(listed, key=lambda id: "test_classes" not in id)) if is_wrong else None
        for id in listed:
            failed = {"outcome": "FAIL", "finding": {"title": "wrong"}}
            lines.append({"test": id, **(failed if id == failing else {"outcome": "PASS"})})
        tests.records.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        tests.log.write_text(f"pytest {os.getpid()}\n")
        return int(is_wrong)

    def server(self, **_: object) -> PytestServer:
        """Stands in for `PytestServer`."""
        return _Server(self)


class _Server(PytestServer):
    def __init__(self, world: ClassWorld) -> None:
        super().__init__()
        self._world = world

    def run(self, tests: TestRun) -> int | None:
        return self._world.test(tests)


class IdleWorker:
    """A worker that is never asked."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def close(self) -> None: ...
