"""What a worker sees of data whose answers it must not know, and the way back.

Validation images come in a secret order, each value changed by at most one step, so that neither their place nor their
exact content tells their labels; classes are numbered by a secret permutation. The secret is drawn once for each
machine: the same submission gets the same history there, and another one elsewhere.
"""

import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.data.arrays import Images

Array = NDArray[Any]
KEY_FILE = "secret.key"


@dataclass(frozen=True, eq=False)
class Disguise:
    """One training's secrets.

    Attributes:
        order: (N,) the true index of each validation image that the worker sees.
        names: (C,) the number by which the worker knows each class.
        noise: a seed.
    """

    order: NDArray[np.int64]
    names: NDArray[np.int64]
    noise: int

    @classmethod
    def draw(cls, key: bytes, purpose: str, *, images: int, classes: int) -> "Disguise":
        """Draw from the machine's secret key; the same for the same purpose, such as `"Q1-1 seed 0"`."""
        digest = hmac.digest(key, f"{purpose} {images} {classes}".encode(), "sha256")
        generator = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
        order = generator.permutation(images)
        return cls(order, generator.permutation(classes), int(generator.integers(2**62)))

    def images(self, images: Images | NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """The validation images as the worker gets them."""
        generator = np.random.default_rng(self.noise)
        return [_nudged(images[index], generator) for index in self.order.tolist()]

    def labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels in [0, C) as the worker knows them."""
        return self.names.astype(np.uint8)[labels]

    def mapping(self, mapping: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Rules from old to new classes, the new ones as the worker knows them."""
        return [[old, int(self.names[new])] for old, new in mapping]

    def logits(self, logits: Array) -> Array:
        """A worker's logits (N, C, ...) of all validation images, with images and classes in their true order."""
        true = np.empty_like(logits)
        true[self.order] = logits[:, self.names]
        return true


def site_key(cache: Path) -> bytes:
    """This machine's secret: made on first use, readable by its owner alone, never seen by a worker."""
    path = cache / KEY_FILE
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        # Of two processes, the first one's key stays.
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_bytes()


def _nudged(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Each value one step up, one down, or as it is."""
    steps = generator.integers(-1, 2, image.shape, dtype=np.int16)
    return np.clip(image + steps, 0, 255).astype(np.uint8)
