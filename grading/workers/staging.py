"""What a worker may see of this repository, and the submission, copied aside.

The copy holds regular files, and in the place of links to other files links that lead nowhere. What the submission
changes while it is graded is not what is graded.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grading.submissions import FOLDER_PACKAGE, Submission, handed_in

ROOT = Path(__file__).resolve().parents[2]

CODE = (
    "__init__.py",
    "submissions.py",
    "text.py",
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

NOWHERE = "/nowhere"  # the root of a sandbox is read-only


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
        SubmissionError: see `handed_in`.
    """
    folder = Path(tempfile.mkdtemp(prefix="hw4-worker-"))
    try:
        for part in CODE:
            source, target = ROOT / "grading" / part, folder / "code" / "grading" / part
            for module in source.rglob("*.py") if source.is_dir() else [source]:
                _copy_file(module, target / module.relative_to(source))
        # An importable package keeps its dotted place, a folder its own name.
        is_folder = submission.package == FOLDER_PACKAGE
        place = submission.folder.name if is_folder else submission.package.replace(".", "/")
        target = folder / "submission" / place
        target.mkdir(parents=True)
        for file in handed_in(submission):
            if file.source is None:
                _link_to_nowhere(target / file.place)
            else:
                _copy_file(file.source, target / file.place)
        for path in [folder, *folder.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Stage(folder, Submission(submission.name, target, submission.package))


def _link_to_nowhere(target: Path) -> None:
    """So that whoever imports it is told what it was; see `grading.submissions`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(NOWHERE)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as origin, open(target, "wb") as copy:
        shutil.copyfileobj(origin, copy)
