"""What people look at besides numbers: a few pictures of a run, in files beside its journal.

Nothing is judged by them. What a worker said is in them, so they are claims of the submission.
"""

import io
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from grading.assignment.files import write_whole_bytes

FOLDER = "evidence"


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Arrays in one file, without pickles; one that is None is left out."""

    optional: ClassVar[tuple[str, ...]] = ()

    def write(self, path: Path) -> None:
        """Write the file whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        buffer = io.BytesIO()
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez_compressed(buffer, **{name: array for name, array in arrays.items() if array is not None})
        path.parent.mkdir(exist_ok=True)
        write_whole_bytes(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What is in the file; None if there is none, or a damaged one: a report goes without it."""
        names = [field.name for field in fields(cls)]
        try:
            with np.load(path, allow_pickle=False) as file:
                missing: dict[str, Any] = dict.fromkeys(cls.optional)
                return cls(**missing | {name: file[name] for name in names if name in file})
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
            return None


@dataclass(frozen=True, eq=False)
class Answers(_Arrays):
    """What the network of a configuration's first seed answered after its last epoch.

    Attributes:
        confusion: int64 (C, C), true classes by predicted ones, over all validation pictures of that epoch.
        images: uint8 (n, H, W, 3). In segmentation a few fixed pictures, the same ones for all configurations of a
            run; in classification the mistakes that the network was surest of, the surest first.
        labels: uint8, true classes: (n, H, W) in segmentation, IGNORED where none is; (n,) in classification.
        predictions: uint8, as `labels`.
        confidence: float32 (n,) in [0, 1], the softmax of the class that was predicted; None in segmentation.
    """

    optional: ClassVar[tuple[str, ...]] = ("confidence",)

    confusion: NDArray[np.int64]
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    predictions: NDArray[np.uint8]
    confidence: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Draws(_Arrays):
    """A few training faces as augmentations show them.

    Attributes:
        faces: uint8 (n, size, size, 3), whole, scaled to fit, with grey beside them if they are not square.
        default: uint8 (n, draws, size, size, 3), by the tutorial's augmentation.
        submission: uint8 (n, draws, size, size, 3), by the submission's; (0, draws, size, size, 3) if it raised.
    """

    faces: NDArray[np.uint8]
    default: NDArray[np.uint8]
    submission: NDArray[np.uint8]


def answers_file(folder: Path, configuration: str) -> Path:
    """Where the `Answers` of a configuration lie in a folder of results."""
    return folder / FOLDER / f"{configuration}.npz"


def draws_file(folder: Path) -> Path:
    """Where the `Draws` lie in a folder of results."""
    return folder / FOLDER / "augmentation.npz"
