"""CamVid as it was released with SegNet: street scenes, every pixel labelled 0 to 10, or 11 for void."""

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.data.arrays import DataError, Dataset, build_once, fingerprint, save_dataset
from grading.data.lists import last_parts, read_list
from grading.data.pictures import in_threads, read_classes, read_rgb

VOID = 11
LEAST_SIDE = 256  # every view of the protocol is a crop of 256x256
DECODING = 1  # another number here makes every cache decode anew

Pair = tuple[Path, Path]  # an image and its label image


def camvid(folder: Path, cache: Path) -> Dataset:
    """CamVid's training and validation part: images of one size, labels uint8 (N, H, W) in [0, 11].

    `train.txt` and `val.txt` say which images belong to a part; without them, all in `train` and `val` do.

    Args:
        folder: holds `train`, `trainannot`, `val` and `valannot`.
        cache: where decoded data lie.

    Raises:
        DataError: a file is missing, damaged or not what it should be.
    """
    train, validation = _pairs(folder)
    files = {
        f"{part} {index} {kind}": path
        for part, pairs in (("train", train), ("validation", validation))
        for index, pair in enumerate(pairs)
        for kind, path in zip(("image", "labels"), pair, strict=True)
    }
    key = "camvid-" + fingerprint(files, decoding=DECODING)[:16]
    return build_once(cache, key, lambda target: _decode(train, validation, target))


def _pairs(folder: Path) -> tuple[list[Pair], list[Pair]]:
    """The training and the validation pairs, each in a fixed order."""
    for name in ("train", "trainannot", "val", "valannot"):
        if not (folder / name).is_dir():
            raise DataError(f"{folder / name}: no such folder; give the folder that holds CamVid's four")
    lists = [folder / "train.txt", folder / "val.txt"]
    missing = [path for path in lists if not path.is_file()]
    if len(missing) == 1:
        raise DataError(f"{missing[0]}: missing, though its twin is there; restore it or remove both")
    if missing:
        return _from_folders(folder / "train"), _from_folders(folder / "val")
    return _from_list(lists[0]), _from_list(lists[1])


def _from_list(path: Path) -> list[Pair]:
    """Lines such as `/SegNet/CamVid/val/X.png /SegNet/CamVid/valannot/X.png`: the last two parts count."""
    pairs = [_pair(line, number, path) for number, line in read_list(path)]
    if not pairs:
        raise DataError(f"{path}: names no images; restore the file")
    return pairs


def _pair(line: str, number: int, path: Path) -> Pair:
    """The two files that a line names. Folders may have spaces: the names are parted where both files are there."""
    parted = [(line[: space.start()], line[space.end() :]) for space in re.finditer(r"\s+", line)]
    pairs = [(_file(image, path), _file(labels, path)) for image, labels in parted]
    for pair in pairs:
        if all(map(os.path.isfile, pair)):
            return pair
    # Of what is missing, name that which has its labels' name, or a line's only two names.
    named = [pair for pair in pairs if pair[0].name == pair[1].name] or (pairs if len(pairs) == 1 else [])
    for file in named[0] if named else ():
        if not os.path.isfile(file):
            raise DataError(f"{file}: missing, but line {number} of {path.name} names it; restore it")
    raise DataError(f"{path}: line {number} does not name an image and its labels; restore the file")


def _file(name: str, path: Path) -> Path:
    return path.parent / last_parts(name.strip("\"'"), 2)


def _from_folders(images: Path) -> list[Pair]:
    labels = images.with_name(f"{images.name}annot")
    names = {path.name for path in images.glob("[!.]*")}
    if unpaired := sorted(names ^ {path.name for path in labels.glob("[!.]*")}):
        file = (labels if unpaired[0] in names else images) / unpaired[0]
        raise DataError(f"{file}: missing, but its other half is there; restore it")
    if not names:
        raise DataError(f"{images}: holds no images; unpack CamVid again")
    return [(images / name, labels / name) for name in sorted(names)]


def _decode(train: list[Pair], validation: list[Pair], target: Path) -> None:
    pairs = train + validation
    size = read_rgb(pairs[0][0], smallest=LEAST_SIDE).shape[:2]

    def image(pair: Pair) -> NDArray[np.uint8]:
        return _of_size(read_rgb(pair[0]), size, pair[0], pairs[0][0])

    def labels(pair: Pair) -> NDArray[np.uint8]:
        return _of_size(read_classes(pair[1], VOID), size, pair[1], pair[0])

    save_dataset(
        target,
        in_threads(image, train),
        np.stack(list(in_threads(labels, train))),
        in_threads(image, validation),
        np.stack(list(in_threads(labels, validation))),
    )


def _of_size(array: NDArray[np.uint8], size: tuple[int, ...], path: Path, model: Path) -> NDArray[np.uint8]:
    if array.shape[:2] != size:
        (height, width), (rows, columns) = array.shape[:2], size
        raise DataError(f"{path}: {width}x{height} pixels, but {model} has {columns}x{rows}; restore it")
    return array
