"""Grade what Gradescope hands over, and write its results.json: `python -m grading.platforms.autograder ROOT`.

ROOT is what Gradescope calls /autograder. The grading is a process of its own: however it ends, there is a
results.json. What this prints is for the staff.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grading import ROOT
from grading.assignment.files import write_whole
from grading.intake.hand_in import HandIn
from grading.intake.unpack import unpack
from grading.platforms.machine import workers
from grading.platforms.settings import FILE, Settings, read_settings
from grading.platforms.student_view import fault, refused, shown
from grading.protocol.submission import Submission, SubmissionError
from grading.sandbox.locked_folder import LockedFolder

GRADED = (0, 1, 3)  # exit statuses of run_all.py that are a statement about the submission
PATIENCE = 20.0  # seconds that a grading may need beyond its time limit, before it is killed
CORES = "PYTHON_CPU_COUNT"  # obeyed by Python 3.13 and later


class GraderFault(Exception):
    """There are no results, which is no fault of the submission's; one line for the staff."""


def main(root: Path) -> int:
    """Exit status: 0, as soon as there is a results.json."""
    root = root.resolve()
    document = results(root)
    write_whole(root / "results" / "results.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
    return 0


def results(root: Path) -> dict[str, Any]:
    """The content of Gradescope's results.json, whatever happens."""
    try:
        settings = read_settings(ROOT / FILE)
        try:
            with located(root / "submission") as submission:
                submission.fingerprint()  # a file that cannot be read is the submission's fault, not the grader's
                return shown(graded(submission, settings), settings.visibility)
        except SubmissionError as error:
            print(f"run_autograder: the submission is refused: {error}", flush=True)
            return refused(str(error), settings.visibility)
    except Exception as error:
        print(f"run_autograder: the grader's fault: {type(error).__name__}: {error}", flush=True)
        return fault()


@contextmanager
def located(folder: Path) -> Iterator[Submission]:
    """A copy of the submission among the files that were handed in.

    Raises:
        SubmissionError: there is none.
    """
    with LockedFolder() as copy:
        yield unpack(HandIn("submission", (folder,), platform="gradescope"), copy)


def graded(submission: Submission, settings: Settings) -> Mapping[str, Any]:
    """The results.json of a grading.

    Raises:
        GraderFault: it ended without any.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "results")
        limit = ["--time-limit", f"{settings.time_limit}s"]
        command = [sys.executable, "grading/run_all.py", submission.argument, *settings.arguments, *limit]
        process = subprocess.Popen(
            [*command, "--out", str(out)],
            cwd=ROOT,
            env={CORES: str(workers(os.cpu_count() or 1)), **os.environ},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            status = process.wait(settings.time_limit + PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise GraderFault(f"it did not end {PATIENCE:g} s after its time limit") from None
        if status not in GRADED:
            raise GraderFault(f"run_all.py ended with status {status}; see above")
        document: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
        # run_all has seen a copy of the modules alone.
        document["extra_data"]["submission_notes"] = list(submission.notes)
        return document


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
