"""Data sets to measure on, each twice: as files, which a notebook opens, and decoded, as a grading keeps it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grading.data.arrays import Dataset, save_dataset
from grading.data.camvid import camvid
from grading.data.drawn_faces import draw_faces
from grading.data.drawn_streets import draw_streets
from grading.data.faces import faces_from_folder
from grading.data.pictures import in_threads

Size = tuple[int, int]  # width and height, as Pillow has them
CELEBA: Size = (178, 218)
CAMVID: Size = (480, 360)
CLASSES = ("bare", "heavy")  # folders of faces, in the order of their labels
FASTEST = 1  # level at which zlib compresses a PNG


@dataclass(frozen=True)
class Pictures:
    """One data set.

    Attributes:
        folder: `train/<class>/*` and `val/<class>/*` of faces; `train`, `trainannot`, `val`, `valannot` of streets.
        dataset: the same, decoded.
    """

    folder: Path
    dataset: Dataset


def drawn_faces(folder: Path, train: int, validation: int, size: Size) -> Pictures:
    """Draw faces, enlarge them to a size, and write them as JPEG files.

    Args:
        folder: a new one.
        train, validation: how many, even.
    """
    drawn = draw_faces(train + validation, seed=0)
    for part in ("train", "val"):
        for name in CLASSES:
            (folder / part / name).mkdir(parents=True)

    def write(number: int) -> None:
        part = "train" if number < train else "val"
        file = folder / part / CLASSES[drawn.heavy_makeup[number]] / f"{number:05}.jpg"
        _enlarged(drawn.images[number], size, Image.Resampling.BICUBIC).save(file, quality=90)

    _for_each(write, range(train + validation))
    return Pictures(folder, faces_from_folder(folder, folder / "decoded"))


def drawn_streets(folder: Path, train: int, validation: int, size: Size) -> Pictures:
    """Draw streets, enlarge them and their labels to a size, and write them as PNG files.

    Args:
        folder: a new one.
    """
    count = train + validation
    drawn = draw_streets(count, seed=0)
    images = [_enlarged(image, size, Image.Resampling.BICUBIC) for image in drawn.images]
    labels = [_enlarged(label, size, Image.Resampling.NEAREST) for label in drawn.labels]
    for part in ("train", "val"):
        (folder / part).mkdir(parents=True)
        (folder / f"{part}annot").mkdir()

    def write(number: int) -> None:
        part = "train" if number < train else "val"
        images[number].save(folder / part / f"{number:05}.png", compress_level=FASTEST)
        labels[number].save(folder / f"{part}annot" / f"{number:05}.png")

    _for_each(write, range(count))
    pixels = [np.asarray(image) for image in images]
    classes = np.stack([np.asarray(label) for label in labels])
    decoded = folder / "decoded"
    save_dataset(decoded, pixels[:train], classes[:train], pixels[train:], classes[train:])
    return Pictures(folder, Dataset(decoded, "drawn streets"))


def real_streets(given: Path, folder: Path, train: int, validation: int) -> Pictures:
    """The first pictures of the real CamVid.

    Args:
        given: as for `grading.data.camvid.camvid`.
        folder: for what is decoded, a new one.

    Raises:
        DataError: `given` does not hold CamVid.
    """
    whole = camvid(given, folder / "whole")
    save_dataset(
        folder / "decoded",
        whole.train_images.stacked()[:train],
        whole.train_labels[:train],
        whole.validation_images.stacked()[:validation],
        whole.validation_labels[:validation],
    )
    return Pictures(given, Dataset(folder / "decoded", "the first of CamVid"))


def _enlarged(pixels: NDArray[np.uint8], size: Size, how: Image.Resampling) -> Image.Image:
    return Image.fromarray(pixels).resize(size, how)


def _for_each(write: Callable[[int], None], numbers: Sequence[int]) -> None:
    """Call a function that writes a file for each number, several at a time."""
    for _ in in_threads(write, numbers):
        pass
