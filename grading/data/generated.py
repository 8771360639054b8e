"""The mini profile's data sets, drawn once and cached, and the secret pictures of one grading, drawn in memory."""

from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from grading.data import drawn_faces, drawn_streets, face_painting
from grading.data.arrays import Dataset, build_once, fingerprint, save_dataset

# Pictures of one seed: validation images follow the training images, none is in both.
FACES_SEED = 1
STREETS_SEED = 2

_drawing = Lock()  # of two trainings that want the same pictures, one draws them
AT_A_TIME = 16  # submissions whose secret pictures are kept; they take some 10 MB each


def faces(cache: Path, train: int, validation: int) -> Dataset:
    """Drawn faces (72 x 72), label 1 with heavy make-up, both classes equally often."""

    def build(folder: Path) -> None:
        seen = drawn_faces.draw_faces(train, FACES_SEED)
        unseen = drawn_faces.draw_faces(validation, FACES_SEED, start=train)
        save_dataset(folder, seen.images, seen.heavy_makeup, unseen.images, unseen.heavy_makeup)

    return build_once(cache, _key("faces", FACES_SEED, train, validation, drawn_faces, face_painting), build)


def streets(cache: Path, train: int, validation: int) -> Dataset:
    """Drawn streets with CamVid's labels."""

    def build(folder: Path) -> None:
        drawn = drawn_streets.draw_streets(train + validation, STREETS_SEED)
        images, labels = drawn.images, drawn.labels
        save_dataset(folder, images[:train], labels[:train], images[train:], labels[train:])

    return build_once(cache, _key("streets", STREETS_SEED, train, validation, drawn_streets), build)


def secret_faces(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images, uint8 (N, 72, 72, 3), and labels (N,) of a seed that nobody knows, below 2**64.

    They take a millisecond each, and are kept in memory only: no submission leaves any on the disk for another.
    """
    with _drawing:
        return _secret_faces(count, seed)


def secret_streets(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images, uint8 (N, H, W, 3), and CamVid's labels (N, H, W), likewise."""
    with _drawing:
        return _secret_streets(count, seed)


@lru_cache(maxsize=AT_A_TIME)
def _secret_faces(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    drawn = drawn_faces.draw_faces(count, seed)
    return drawn.images, drawn.heavy_makeup


@lru_cache(maxsize=AT_A_TIME)
def _secret_streets(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    drawn = drawn_streets.draw_streets(count, seed)
    return drawn.images, drawn.labels


def _key(name: str, seed: int, train: int, validation: int, *modules: ModuleType) -> str:
    """A data set's name in the cache: the drawing code, the seed and the counts decide what is drawn."""
    sources = {Path(file).name: Path(file) for module in modules if (file := module.__file__)}
    return f"{name}-{fingerprint(sources, seed=seed, train=train, validation=validation)[:16]}"
