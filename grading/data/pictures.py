"""Reading picture files: what a camera or a program wrote becomes a plain uint8 array, or one clear error."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from grading.data.arrays import DataError

Item = TypeVar("Item")
Decoded = TypeVar("Decoded")

LOOK_AHEAD = 64  # decoded images that may wait for the disk


def read_rgb(path: Path, *, smallest: int = 1, largest: int | None = None) -> NDArray[np.uint8]:
    """The picture as a person sees it: upright, uint8 (H, W, 3).

    Transparency is dropped, as torchvision's ImageFolder drops it.

    Args:
        path: any 8-bit picture that Pillow reads.
        smallest: the shorter side must have as many pixels.
        largest: a longer shorter side is shrunk to as many pixels.

    Raises:
        DataError: the file is damaged, no picture, not 8-bit or too small.
    """
    image = _open(path)
    width, height = image.size
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise DataError(f"{path}: has more than 8 bits a channel; save it as an 8-bit image")
    if min(width, height) < smallest:
        raise DataError(f"{path}: {width}x{height} pixels, but each side needs {smallest}; take it out")
    if image.mode == "P":  # straight to RGB, Pillow warns about palettes with transparent entries
        image = image.convert("RGBA")
    image = image.convert("RGB")
    if largest is not None and min(width, height) > largest:
        image = _shrunk(image, largest)
    return np.asarray(image)


def read_classes(path: Path, greatest: int) -> NDArray[np.uint8]:
    """A label image, whose pixels are class numbers (or palette indices): uint8 (H, W) in [0, greatest].

    Raises:
        DataError: the file is damaged, of several channels, or has a greater label.
    """
    image = _open(path)
    if image.mode not in ("L", "P"):
        raise DataError(
            f"{path}: a label image needs a single channel of class numbers, not {image.mode}; "
            "use the labels of the SegNet release"
        )
    labels = np.asarray(image)
    if labels.max() > greatest:
        raise DataError(
            f"{path}: has label {labels.max()}, but the greatest is {greatest}; use the labels of the SegNet release"
        )
    return labels


def in_threads(decode: Callable[[Item], Decoded], items: Sequence[Item]) -> Iterator[Decoded]:
    """`decode` of each item, in order. Pillow decodes without the interpreter lock, so threads pay."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(items), LOOK_AHEAD):  # never more in memory than one such stretch
            yield from pool.map(decode, items[start : start + LOOK_AHEAD])


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: not a readable image; save it as JPEG or PNG, or take it out") from error
    except Exception as error:  # on a damaged file Pillow raises almost anything, SyntaxError included
        raise DataError(f"{path}: damaged or too large ({error}); replace it or take it out") from error


def _shrunk(image: Image.Image, shorter: int) -> Image.Image:
    factor = shorter / min(image.size)
    width, height = (max(shorter, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
