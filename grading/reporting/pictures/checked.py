"""Evidence as pictures may use it: what a submission's worker said is checked here, and nowhere else."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from grading.running.evidence import Answers, Draws, answers_file, draws_file
from grading.scoring.metrics import IGNORED

Kind = TypeVar("Kind", Answers, Draws)

MOST_BYTES = 64 * 2**20  # of a file, unpacked
MOST_SIDE = 1024  # of a picture
MOST_PIXELS_COUNTED = 2**53


class UnusableEvidence(Exception):
    """A file of evidence is there, but not what it should be; one line."""


@dataclass(frozen=True, eq=False)
class Answered:
    """The answers of one configuration.

    Attributes:
        confusion: int64 (C, C), true classes by predicted ones; at least one answer is counted.
        images: uint8 (n, H, W, 3).
        labels, predictions: uint8 (n,) or (n, H, W), below C; labels may be IGNORED.
        confidence: float64 (n,) in [0, 1]; None if a class is predicted for each pixel.
    """

    confusion: NDArray[np.int64]
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    predictions: NDArray[np.uint8]
    confidence: NDArray[np.float64] | None


def read_answers(folder: Path, configuration: str, classes: int, *, by_pixel: bool) -> Answered | None:
    """The answers of a configuration; None if there are none.

    Args:
        folder: of the results.
        classes: that the network tells apart.
        by_pixel: whether it predicts a class for each pixel, not for each picture.

    Raises:
        UnusableEvidence: they are damaged.
    """
    path = answers_file(folder, configuration)
    if not _is_there(path):
        return None
    answers = _read(Answers, path)
    _check(path, _is_confusion(answers.confusion, classes), "the counts")
    _check(path, _are_pictures(answers.images, 4), "the pictures")
    shape = answers.images.shape[:3] if by_pixel else answers.images.shape[:1]
    _check(path, _are_classes(answers.labels, shape, classes, ignored=by_pixel), "the labels")
    _check(path, _are_classes(answers.predictions, shape, classes, ignored=False), "the predictions")
    confidence = None
    if not by_pixel:
        _check(path, _are_shares(answers.confidence, shape), "the confidences")
        confidence = np.asarray(answers.confidence, np.float64)
    return Answered(
        np.asarray(answers.confusion, np.int64), answers.images, answers.labels, answers.predictions, confidence
    )


def read_draws(folder: Path) -> Draws | None:
    """Faces under both augmentations; None if there are none.

    Raises:
        UnusableEvidence: they are damaged.
    """
    path = draws_file(folder)
    if not _is_there(path):
        return None
    draws = _read(Draws, path)
    _check(path, _are_pictures(draws.faces, 4) and len(draws.faces) > 0, "the faces")
    for name, drawn in (("default", draws.default), ("submission", draws.submission)):
        raised = name == "submission" and _are_pictures(drawn, 5) and len(drawn) == 0
        right = _are_pictures(drawn, 5) and len(drawn) == len(draws.faces) and drawn.shape[1] > 0
        _check(path, right or raised, f"the draws of {name}")
    return draws


def _is_there(path: Path) -> bool:
    """Whether there is a file.

    Raises:
        UnusableEvidence: it is no archive, or larger than any evidence once it is unpacked.
    """
    try:
        if not path.is_file():
            return False
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            encrypted = any(member.flag_bits & 1 for member in archive.infolist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        raise UnusableEvidence(f"{path.name} cannot be read") from None
    if size > MOST_BYTES or encrypted:
        raise UnusableEvidence(f"{path.name} cannot be read: {size} bytes unpacked")
    return True


def _read(kind: type[Kind], path: Path) -> Kind:
    arrays = kind.read(path)
    if arrays is None:
        raise UnusableEvidence(f"{path.name} cannot be read")
    return arrays


def _check(path: Path, right: bool, what: str) -> None:
    if not right:
        raise UnusableEvidence(f"{path.name}: {what} cannot be used")


def _is_confusion(counts: NDArray[np.int64], classes: int) -> bool:
    if counts.dtype.kind not in "iu" or counts.shape != (classes, classes):
        return False
    return bool(counts.min() >= 0 and 0 < counts.sum(dtype=np.float64) < MOST_PIXELS_COUNTED)


def _are_pictures(pixels: NDArray[np.uint8], axes: int) -> bool:
    """Whether they are RGB pictures of a sensible size; there may be none."""
    if pixels.dtype != np.uint8 or pixels.ndim != axes or pixels.shape[-1] != 3:
        return False
    return all(0 < side <= MOST_SIDE for side in pixels.shape[-3:-1])


def _are_classes(labels: NDArray[np.uint8], shape: tuple[int, ...], classes: int, *, ignored: bool) -> bool:
    if labels.dtype != np.uint8 or labels.shape != shape:
        return False
    return bool(np.all((labels < classes) | (ignored and labels == IGNORED)))


def _are_shares(values: NDArray[np.float32] | None, shape: tuple[int, ...]) -> bool:
    if values is None or values.dtype.kind != "f" or values.shape != shape:
        return False
    return bool(np.all((values >= 0) & (values <= 1)))
