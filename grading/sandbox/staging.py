"""What a worker may see of this repository, and the submission, copied aside.

The copy holds regular files, and in the place of links to other files links that lead nowhere. What the submission
changes while it is graded is not what is graded.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from grading import PACKAGE
from grading.protocol.sources import sources
from grading.protocol.submission import FOLDER_PACKAGE, MODULES, Submission, handed_in

PREFIX = "hw4-worker-"  # of temporary folders
NOWHERE = "/nowhere"  # the root of a sandbox is read-only


@cache
def worker_code() -> dict[str, Path]:
    """The part of `grading` that runs in a worker, by path relative to it: the probes, the server, what they import.

    There is no label, no threshold, no expected value in it, and nothing that draws validation pictures: see the
    directions of imports in pyproject.toml.
    """
    return sources("grading.worker.serve", *(f"grading.worker.probes.{module}" for module in MODULES))


class OwnFolder:
    """A temporary folder of this process, closed to other users.

    The process holds a lock on it, which ends with the process, in whatever way: so `remove_stale` knows the folders
    that nobody uses any more.

    Attributes:
        path: where it is.
    """

    def __init__(self) -> None:
        import fcntl  # not on Windows, where there are no workers

        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            # Until it is locked, another grader may take it for a stale one.
            with suppress(FileNotFoundError):
                self._lock = os.open(self.path, os.O_RDONLY)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                if os.fstat(self._lock).st_nlink and self.path.is_dir():
                    return
                os.close(self._lock)

    def remove(self) -> None:
        """Delete it with all that lies in it; does nothing the second time."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


def remove_stale() -> None:
    """Delete the temporary folders of this user's graders that were killed; those of living ones are locked."""
    import fcntl  # as above

    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


class Workspace:
    """What one worker sees: `code/` and `submission/` in a temporary folder.

    Attributes:
        folder: the temporary folder.
        submission: the submission, as it lies here.

    Args:
        submission: is copied.

    Raises:
        SubmissionError: see `handed_in`.
    """

    def __init__(self, submission: Submission) -> None:
        self._own = OwnFolder()
        self.folder = self._own.path
        try:
            for place, file in worker_code().items():
                copy = self.code / PACKAGE.name / place
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
            self.submission = copied(submission, self.folder / "submission")
            for path in self.folder.rglob("*"):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() else 0o644)
        except BaseException:
            self.remove()
            raise

    @property
    def code(self) -> Path:
        """What PYTHONPATH is in a worker."""
        return self.folder / "code"

    @property
    def prefix(self) -> str:
        """What the paths of the submission's files begin with in a worker."""
        return f"{self.folder}/submission/"

    def remove(self) -> None:
        """Delete the folder."""
        self._own.remove()


@contextmanager
def set_aside(submission: Submission) -> Iterator[Submission]:
    """The submission as it is now: a copy for everything that grades it, deleted in the end.

    Raises:
        SubmissionError: see `handed_in`.
    """
    with OwnFolder() as folder:
        yield copied(submission, folder)


def copied(submission: Submission, folder: Path) -> Submission:
    """Copy a submission into a folder; an importable package keeps its dotted place there, a folder its own name.

    Raises:
        SubmissionError: see `handed_in`.
    """
    is_folder = submission.package == FOLDER_PACKAGE
    target = folder / (submission.folder.name if is_folder else submission.package.replace(".", "/"))
    target.mkdir(parents=True)
    for file in handed_in(submission):
        copy = target / file.place
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.content is None:
            copy.symlink_to(NOWHERE)  # whoever imports it is told what it was; see `grading.protocol.submission`
        else:
            copy.write_bytes(file.content)
    return replace(submission, folder=target)
