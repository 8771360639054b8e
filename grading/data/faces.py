"""Faces with and without heavy make-up: from a folder of two classes, or from CelebA as it was published."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.data import celeba
from grading.data.arrays import DataError, Dataset, build_once, fingerprint, save_dataset
from grading.data.pictures import in_threads, read_rgb

LEAST_SIDE = 64
# Nothing in the protocol looks closer than Resize(256), and a thousand phone photos would fill the disk.
LARGEST_SHORTER_SIDE = 512
DECODING = 1  # another number here makes every cache decode anew

Labelled = tuple[Path, int]  # an image and its class


def faces(folder: Path, cache: Path, *, train_count: int, validation_count: int = 400, seed: int = 0) -> Dataset:
    """Two classes of faces, labels uint8 (N,), from whichever of the two layouts below `folder` has.

    Their order mixes the classes: the first images of a part hold both in the proportion of the whole.

    Args:
        folder: as for `faces_from_folder` or for `faces_from_celeba`.
        cache: where decoded data lie.
        train_count, validation_count, seed: what to choose from CelebA; two folders are taken whole.

    Raises:
        DataError: `folder` has neither layout, or a file is missing, damaged or not what it should be.
        ValueError: a count is odd or not positive.
    """
    if (folder / "train").is_dir():
        return faces_from_folder(folder, cache)
    if (folder / celeba.IMAGES).is_dir():
        return faces_from_celeba(folder, cache, train_count, validation_count, seed)
    raise DataError(f"{folder}: holds neither train/ and val/ nor {celeba.IMAGES}/; give the folder of the faces")


def faces_from_folder(folder: Path, cache: Path) -> Dataset:
    """`train/<class>/*` and `val/<class>/*`; a label is the place of its class in alphabetical order.

    Args:
        folder: holds `train` and `val`. Hidden files are passed over; all others in a class must be images.
        cache: where decoded data lie.

    Raises:
        DataError: a folder or file is missing, damaged or not what it should be.
    """
    train, validation = _classes(folder / "train"), _classes(folder / "val")
    for ours, theirs in zip(train, validation, strict=True):
        if ours.name != theirs.name:
            raise DataError(f"{theirs}: a class of another name than {ours}; use the same two names")
    return _decoded(_mixed([_files(path) for path in train]), _mixed([_files(path) for path in validation]), cache)


def faces_from_celeba(
    folder: Path, cache: Path, train_count: int, validation_count: int = 400, seed: int = 0
) -> Dataset:
    """A balanced choice from CelebA, see `celeba.choose`; label 1 is `Heavy_Makeup`.

    Args:
        folder: holds `img_align_celeba/*.jpg`, `list_attr_celeba.txt` and perhaps `list_eval_partition.txt`.
        cache: where decoded data lie.
        train_count: training faces, even.
        validation_count: validation faces, even.
        seed: another seed, another choice.

    Raises:
        DataError: a file is missing, damaged or not what it should be, or there are too few faces of a class.
        ValueError: a count is odd or not positive.
    """
    train, validation = celeba.choose(folder, "Heavy_Makeup", train_count, validation_count, seed)
    return _decoded(_mixed(train), _mixed(validation), cache)


def _classes(part: Path) -> list[Path]:
    if not part.is_dir():
        raise DataError(f"{part}: no such folder; put a folder for each of the two classes there")
    classes = sorted(path for path in part.glob("[!.]*") if path.is_dir())
    if len(classes) != 2:
        names = ", ".join(path.name for path in classes) or "none"
        raise DataError(
            f"{part}: needs exactly two classes, but has {len(classes)} ({names}); keep one folder for each"
        )
    return classes


def _files(of_class: Path) -> list[Path]:
    if not (files := sorted(of_class.glob("[!.]*"))):
        raise DataError(f"{of_class}: an empty class; put its images there")
    return files


def _mixed(classes: Sequence[Sequence[Path]]) -> list[Labelled]:
    """The images of all classes, each class spread evenly from first to last."""
    placed = [
        ((index + 0.5) / len(files), label, path)
        for label, files in enumerate(classes)
        for index, path in enumerate(files)
    ]
    return [(path, label) for _, label, path in sorted(placed)]


def _decoded(train: list[Labelled], validation: list[Labelled], cache: Path) -> Dataset:
    files = {
        f"{part} {index} class {label}": path
        for part, labelled in (("train", train), ("validation", validation))
        for index, (path, label) in enumerate(labelled)
    }
    sides = {"smallest": LEAST_SIDE, "largest": LARGEST_SHORTER_SIDE}
    key = "faces-" + fingerprint(files, decoding=DECODING, **sides)[:16]
    return build_once(
        cache,
        key,
        lambda target: save_dataset(
            target,
            in_threads(_read, train),
            _labels(train),
            in_threads(_read, validation),
            _labels(validation),
        ),
    )


def _read(labelled: Labelled) -> NDArray[np.uint8]:
    return read_rgb(labelled[0], smallest=LEAST_SIDE, largest=LARGEST_SHORTER_SIDE)


def _labels(labelled: Sequence[Labelled]) -> NDArray[np.uint8]:
    return np.array([label for _, label in labelled], np.uint8)
