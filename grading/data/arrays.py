"""What every data set becomes: uint8 arrays on disk, decoded once and memory-mapped ever after.

folder/train/{pixels,shapes,labels}.npy
folder/validation/{pixels,shapes}.npy
folder/validation_labels/labels.npy     apart from the rest: whoever trains must never see it
"""

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from grading.protocol.parsing import parse_alone

CHANNELS = 3
UNFINISHED = ".hw4-unfinished-"
SET_CACHE = "set HW4_CACHE to a folder that you may write to"
STALE_SECONDS = 24 * 3600  # no build takes a day: what is older was left by a killed one


class DataError(Exception):
    """Data that cannot be used. The message is one line that names the file and the fix."""


@dataclass(frozen=True, eq=False)
class Images:
    """A read-only sequence of uint8 RGB images of any sizes, which lie one after the other in `pixels`."""

    pixels: NDArray[np.uint8]  # flat
    shapes: NDArray[np.int64]  # (N, 2): height and width
    starts: NDArray[np.int64]  # (N + 1,): where each image begins in `pixels`; the last entry is its length

    @classmethod
    def open(cls, folder: Path) -> "Images":
        """Memory-map what `save_images` wrote to `folder`. DataError if it is missing or damaged."""
        pixels, shapes = _open_array(folder / "pixels.npy"), _open_array(folder / "shapes.npy")
        try:
            return cls.of(pixels, shapes)
        except ValueError as error:
            raise DataError(f"{folder}: {error}; delete {folder.parent}") from None

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], shapes: NDArray[np.int64]) -> "Images":
        """From the two arrays that decide the third. ValueError where they do not fit together."""
        starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1) * CHANNELS)])
        if starts[-1] != pixels.size:
            raise ValueError("pixels and shapes do not fit together")
        return cls(pixels, shapes, starts)

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Image `index`: a read-only view, uint8 (H, W, 3)."""
        index = range(len(self))[index]
        height, width = self.shapes[index]
        return self.pixels[self.starts[index] : self.starts[index + 1]].reshape(height, width, CHANNELS)

    def stacked(self) -> NDArray[np.uint8]:
        """All images as one read-only view, uint8 (N, H, W, 3). ValueError where their sizes differ."""
        height, width = self.shapes[0]
        if (self.shapes != self.shapes[0]).any():
            raise ValueError("the images have different sizes and cannot be stacked")
        return self.pixels.reshape(-1, height, width, CHANNELS)


@dataclass(frozen=True)
class Dataset:
    """A data set on disk. Each access maps an array anew: a Dataset is cheap to send to another process."""

    folder: Path
    fingerprint: str  # equal for equal data

    @property
    def train_images(self) -> Images:
        return Images.open(self.folder / "train")

    @property
    def train_labels(self) -> NDArray[np.uint8]:
        """uint8: (N,) classes of images or (N, H, W) classes of pixels."""
        return _open_array(self.folder / "train" / "labels.npy")

    @property
    def validation_images(self) -> Images:
        return Images.open(self.folder / "validation")

    @property
    def validation_labels(self) -> NDArray[np.uint8]:
        """uint8: (N,) classes of images or (N, H, W) classes of pixels."""
        return _open_array(self.folder / "validation_labels" / "labels.npy")


def save_images(folder: Path, images: Iterable[NDArray[np.uint8]]) -> int:
    """Stream uint8 (H, W, 3) images to `folder`, one in memory at a time; returns how many there were.

    Raises:
        ValueError: an image has another type or shape, or there is no image at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shapes = []
    size = 0
    with open(folder / "pixels.npy", "wb") as file:
        _write_header(file, size)  # its length does not depend on the size, which is known only at the end
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != CHANNELS or not image.size:
                raise ValueError(f"not a uint8 (H, W, 3) image: {image.dtype} {image.shape}")
            file.write(np.ascontiguousarray(image).data)
            shapes.append(image.shape[:2])
            size += image.size
        file.seek(0)
        _write_header(file, size)
    if not shapes:
        raise ValueError("no images to save")
    np.save(folder / "shapes.npy", np.array(shapes, np.int64))
    return len(shapes)


def save_dataset(
    folder: Path,
    train_images: Iterable[NDArray[np.uint8]],
    train_labels: NDArray[np.uint8],
    validation_images: Iterable[NDArray[np.uint8]],
    validation_labels: NDArray[np.uint8],
) -> None:
    """Write a data set in the layout above: images as for `save_images`, labels uint8 (N,) or (N, H, W).

    Raises:
        ValueError: labels are not uint8, or there are more or fewer of them than images.
    """
    _save_labels(folder / "train", train_labels, save_images(folder / "train", train_images))
    count = save_images(folder / "validation", validation_images)
    _save_labels(folder / "validation_labels", validation_labels, count)


def build_once(cache: Path, key: str, build: Callable[[Path], None]) -> Dataset:
    """The data set `key` of `cache`; where it is not there yet, `build(folder)` makes it first.

    It gets its name by a single rename, when it is whole: a killed build leaves only a hidden folder, which a
    later build removes. Of two processes that build at once, the slower throws its copy away.

    Raises:
        DataError: the cache cannot be written.
    """
    target = cache / key
    if target.exists():
        return Dataset(target, key)
    building = cache / f"{UNFINISHED}{key}-{uuid.uuid4().hex}"
    try:
        building.mkdir(parents=True)
        _remove_stale(cache)
        build(building)
        _rename_unless_there(building, target)
    except OSError as error:
        raise DataError(
            f"{cache}: cannot write decoded data there ({error.strerror or error}); free some space or {SET_CACHE}"
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Dataset(target, key)


def cache_folder() -> Path:
    """Where decoded data lie: $HW4_CACHE, else hw4-grader in the user's cache folder.

    Raises:
        DataError: this user has no home folder.
    """
    try:
        if chosen := os.environ.get("HW4_CACHE"):
            return Path(chosen).expanduser()
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        # The XDG specification: a relative path is to be ignored.
        return (base if base.is_absolute() else Path.home() / ".cache") / "hw4-grader"
    except RuntimeError:
        raise DataError(f"there is no home folder to keep data in; {SET_CACHE}") from None


def writable(cache: Path) -> Path:
    """The same folder, made if it is missing.

    Raises:
        DataError: nothing can be written there.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=cache):
            return cache
    except OSError as error:
        raise DataError(f"{cache}: cannot keep data there ({error.strerror or error}); {SET_CACHE}") from error


def fingerprint(files: Mapping[str, Path], **parameters: object) -> str:
    """64 hexadecimal digits that change with any name or content of `files`, and with any parameter.

    Args:
        files: where the files lie, by the name that each has in the data set; the order does not matter.
        parameters: whatever else decides the result; anything that JSON can hold.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    names = sorted(files)
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_file_sha256, (files[name] for name in names)))
    content = [list(zip(names, digests, strict=True)), parameters]
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise OSError("not a regular file")
        with open(path, "rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{path}: cannot be read ({why}); restore it or take it out") from error


def _save_labels(folder: Path, labels: NDArray[np.uint8], images: int) -> None:
    if labels.dtype != np.uint8 or len(labels) != images:
        raise ValueError(f"{images} images need as many uint8 labels, not {labels.dtype} {labels.shape}")
    folder.mkdir(exist_ok=True)
    np.save(folder / "labels.npy", labels)


def _write_header(file: BinaryIO, size: int) -> None:
    """The header of a flat uint8 .npy file. NumPy leaves room in it for a longer first axis."""
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (size,)})


def _open_array(path: Path) -> NDArray[Any]:
    try:
        # asarray: a plain ndarray, whose slices cost less than those of np.memmap
        return np.asarray(parse_alone(lambda: np.load(path, mmap_mode="r")))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: missing or damaged; delete {path.parent.parent}") from error


def _rename_unless_there(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except OSError:
        if not target.exists():  # otherwise another process was faster, and has built the same
            raise


def _remove_stale(cache: Path) -> None:
    for folder in cache.glob(f"{UNFINISHED}*"):
        # Another build may be removing the same folder, so every step here may find it gone.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
