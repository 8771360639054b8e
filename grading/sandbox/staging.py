"""Copies of what a worker may see: a part of this repository, and the submission.

A copy of a submission holds its regular files, and in the place of links to other files links that lead nowhere. What
the submission changes while it is graded is not what is graded.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from grading import PACKAGE
from grading.protocol.sources import sources
from grading.protocol.submission import FOLDER_PACKAGE, MODULES, HandedIn, Submission, handed_in
from grading.sandbox.locked_folder import LockedFolder

NOWHERE = "/nowhere"  # nobody can make it: the root of a sandbox is read-only


class Workspace:
    """What one worker sees: `code/` and `submission/` in a temporary folder.

    Attributes:
        folder: the temporary folder.
        submission: the copy of the submission.

    Args:
        submission: the submission to copy.

    Raises:
        SubmissionError: see `handed_in`.
    """

    def __init__(self, submission: Submission) -> None:
        self._locked_folder = LockedFolder()
        self.folder = self._locked_folder.path
        try:
            for place, file in worker_code().items():
                copy = self.code / PACKAGE.name / place
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
            self.submission = copy_submission(submission, self.folder / "submission")
            for path in self.folder.rglob("*"):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() else 0o644)
        except BaseException:
            self.remove()
            raise

    @property
    def code(self) -> Path:
        """The PYTHONPATH of a worker."""
        return self.folder / "code"

    @property
    def prefix(self) -> str:
        """What the paths of the submission's files begin with in a worker."""
        return f"{self.folder}/submission/"

    def remove(self) -> None:
        """Delete the folder."""
        self._locked_folder.remove()


@cache
def worker_code() -> dict[str, Path]:
    """The part of `grading` that runs in a worker: the server, the probes and what they import.

    It holds no label, no threshold and no expected value, and draws no validation pictures: see the directions of
    imports in pyproject.toml.

    Returns:
        Files by path relative to `grading`.
    """
    return sources("grading.worker.serve", *(f"grading.worker.probes.{module}" for module in MODULES))


@contextmanager
def set_aside(submission: Submission) -> Iterator[Submission]:
    """A copy of the submission as it is now, from which everything is graded; deleted in the end.

    Raises:
        SubmissionError: see `handed_in`.
    """
    with LockedFolder() as folder:
        yield copy_submission(submission, folder)


def copy_submission(submission: Submission, folder: Path) -> Submission:
    """Copy a submission into a folder, where a package keeps its dotted place and a folder its name.

    Raises:
        SubmissionError: see `handed_in`.
    """
    return write_submission(submission, handed_in(submission), folder)


def write_submission(submission: Submission, files: Iterable[HandedIn], folder: Path) -> Submission:
    """Write the files of a submission into a folder, where a package keeps its dotted place and a folder its name."""
    is_folder = submission.package == FOLDER_PACKAGE
    target = folder / (submission.folder.name if is_folder else submission.package.replace(".", "/"))
    target.mkdir(parents=True)
    for file in files:
        copy = target / file.place
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.content is None:
            _leave_link(copy)  # to import it is an error that says what it was: `grading.protocol.importing`
        else:
            copy.write_bytes(file.content)
    return replace(submission, folder=target)


def _leave_link(place: Path) -> None:
    """Make a symbolic link that leads nowhere; on Windows, where few users may make links, nothing is left."""
    try:
        place.symlink_to(NOWHERE)
    except OSError:
        if sys.platform != "win32":
            raise
