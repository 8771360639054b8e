"""The mini profile's data sets, drawn once and cached, and the secret pictures of one grading, drawn in memory."""

from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from grading.data import drawn_faces, drawn_streets, face_painting
from grading.data.arrays import Dataset, build_once, fingerprint, save_dataset

# Pictures of one seed: validation images follow the training images, none is in both.
FACES_SEED = 1
STREETS_SEED = 2

_drawing = Lock()  # of two trainings that want the same pictures, one draws them


def faces(cache: Path, train: int, validation: int) -> Dataset:
    """Drawn faces (72 x 72), label 1 with heavy make-up, both classes equally often."""

    def build(folder: Path) -> None:
        seen = drawn_faces.draw_faces(train, FACES_SEED)
        unseen = drawn_faces.draw_faces(validation, FACES_SEED, start=train)
        save_dataset(folder, seen.images, seen.heavy_makeup, unseen.images, unseen.heavy_makeup)

    sources = _sources(drawn_faces.__file__, face_painting.__file__, __file__)
    return build_once(cache, f"faces-{fingerprint(sources, train=train, validation=validation)[:16]}", build)


def streets(cache: Path, train: int, validation: int) -> Dataset:
    """Drawn streets with CamVid's labels."""

    def build(folder: Path) -> None:
        drawn = drawn_streets.draw_streets(train + validation, STREETS_SEED)
        images, labels = drawn.images, drawn.labels
        save_dataset(folder, images[:train], labels[:train], images[train:], labels[train:])

    sources = _sources(drawn_streets.__file__, __file__)
    return build_once(cache, f"streets-{fingerprint(sources, train=train, validation=validation)[:16]}", build)


def secret_pictures(task: str, count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images, uint8 (N, H, W, 3), and labels, (N,) or (N, H, W), of a seed that nobody knows, below 2**64.

    They take a millisecond each, and are kept in memory only: no submission leaves any on the disk for another.
    """
    with _drawing:
        return _drawn(task, count, seed)


@lru_cache(maxsize=4)
def _drawn(task: str, count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if task == "classification":
        faces = drawn_faces.draw_faces(count, seed)
        return faces.images, faces.heavy_makeup
    streets = drawn_streets.draw_streets(count, seed)
    return streets.images, streets.labels


def _sources(*files: str) -> dict[str, Path]:
    """The drawing code itself decides what is drawn."""
    return {Path(file).name: Path(file) for file in files}
