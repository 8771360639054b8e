"""What a worker may see of this repository, and the submission, copied aside.

The copy holds regular files only: a link of the submission leads nowhere, and what the submission changes while it is
graded is not what is graded.
"""

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grading.submissions import Submission, SubmissionError

ROOT = Path(__file__).resolve().parents[2]

CODE = (
    "__init__.py",
    "submissions.py",
    "backbones/__init__.py",
    "backbones/encoders.py",
    "backbones/loading.py",
    "backbones/mini.py",
    "data/__init__.py",
    "data/arrays.py",
    "data/crops.py",
    "probes",
    "training",
    "workers/__init__.py",
    "workers/limits.py",
    "workers/serve.py",
    "workers/wire.py",
)
"""The part of `grading` that runs in a worker: no facts, no labels, no judgement, no drawing of validation images."""

SKIPPED = frozenset({"__pycache__", ".git", ".venv", "venv", ".hypothesis"})
MAX_BYTES = 50 * 2**20
MAX_FILES = 2000


@dataclass(frozen=True)
class Stage:
    """A temporary folder, readable by everybody: `code/` and `submission/`.

    Attributes:
        submission: the submission, as it lies here.
    """

    folder: Path
    submission: Submission

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
        shutil.rmtree(self.folder, ignore_errors=True)


def stage(submission: Submission) -> Stage:
    """Copy the worker's code and the submission into a new temporary folder.

    Raises:
        SubmissionError: the submission has more than MAX_FILES files or MAX_BYTES bytes.
    """
    folder = Path(tempfile.mkdtemp(prefix="hw4-worker-"))
    try:
        for part in CODE:
            source, target = ROOT / "grading" / part, folder / "code" / "grading" / part
            if source.is_dir():
                _copy_regular_files(source, target, submission.name)
            else:
                _copy_file(source, target)
        # An importable package keeps its dotted place, a folder its own name.
        is_folder = submission.package != submission.name
        place = submission.folder.name if is_folder else submission.package.replace(".", "/")
        target = folder / "submission" / place
        target.mkdir(parents=True)
        _copy_regular_files(submission.folder, target, submission.name)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Stage(folder, Submission(submission.name, target, submission.package))


def _copy_regular_files(source: Path, target: Path, name: str) -> None:
    files, size = 0, 0
    for folder, folders, names in os.walk(source):
        folders[:] = [child for child in folders if child not in SKIPPED]
        for child in names:
            origin = Path(folder, child)
            status = origin.lstat()
            if not stat.S_ISREG(status.st_mode):
                continue
            files, size = files + 1, size + status.st_size
            if files > MAX_FILES or size > MAX_BYTES:
                raise SubmissionError(
                    f"{name}: more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB; hand in code only"
                )
            _copy_file(origin, target / origin.relative_to(source))


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as origin, open(target, "wb") as copy:
        shutil.copyfileobj(origin, copy)
