"""What a worker sees of data whose answers it must not know, and the way back.

Validation images come in a secret order, each value changed by at most one step, so that neither their place nor their
exact content tells their labels; classes are numbered by a secret permutation. Some images come twice: in eval mode,
their logits must not depend on the batch they are in. The secret is drawn once for each machine: the same submission
gets the same history there, and another one elsewhere.
"""

import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.data.arrays import Images

Array = NDArray[Any]
KEY_FILE = "secret.key"
DUPLICATES = 8  # images that come twice: they make a last batch of another size, and meet other neighbours


@dataclass(frozen=True, eq=False)
class Blinding:
    """The secrets of one training and one of its sets of validation images.

    Attributes:
        order: (N + T,) the true index of each validation image that the worker sees; T of them come twice.
        class_permutation: (C,) the number by which the worker knows each class.
        noise: a seed.
    """

    order: NDArray[np.int64]
    class_permutation: NDArray[np.int64]
    noise: int

    @classmethod
    def draw(cls, key: bytes, purpose: str, *, images: int, classes: int, part: int = 0) -> "Blinding":
        """Draw from the machine's secret key; the same for the same purpose, such as `"Q1-1 seed 0"`.

        Args:
            part: which of a training's sets of images; the classes have the same numbers in all of them.
        """
        class_permutation = keyed_generator(key, f"{purpose} {classes} classes").permutation(classes)
        generator = keyed_generator(key, f"{purpose} {images} images {part}")
        order = generator.permutation(images)
        noise = int(generator.integers(2**62))
        duplicates = generator.choice(images, size=min(DUPLICATES, images), replace=False)
        places = generator.integers(len(order) + 1, size=len(duplicates))
        return cls(np.insert(order, places, duplicates), class_permutation, noise)

    def images(self, images: Images | NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """The validation images as the worker gets them."""
        generator = np.random.default_rng(self.noise)
        nudged = [_nudged(images[index], generator) for index in range(len(self._first))]
        return [nudged[index] for index in self.order.tolist()]

    def labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels in [0, C) as the worker knows them."""
        return self.class_permutation.astype(np.uint8)[labels]

    def mapping(self, mapping: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Rules from old to new classes, the new ones as the worker knows them."""
        return [[old, int(self.class_permutation[new])] for old, new in mapping]

    def in_true_order(self, answers: Array) -> Array:
        """A worker's answers (N + T, ...), classes still by its numbers, with each image once and in its true place."""
        return answers[self._first]

    def of_true_classes(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts (..., C) of a worker's classes, by the true numbers of the classes."""
        return counts[..., self.class_permutation]

    @property
    def copies(self) -> list[tuple[int, int]]:
        """The places of the two copies of each image that comes twice.

        The worker needs them to compare logits. It gains nothing by it: whatever it says of itself is a claim anyway.
        """
        again = np.setdiff1d(np.arange(len(self.order)), self._first)
        return [(int(self._first[self.order[place]]), int(place)) for place in again]

    @property
    def _first(self) -> NDArray[np.int64]:
        """(N,) where each image comes first."""
        return np.unique(self.order, return_index=True)[1]


def site_key(cache: Path) -> bytes:
    """This machine's secret: made on first use, readable by its owner alone, never seen by a worker."""
    path = cache / KEY_FILE
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        descriptor, aside = mkstemp(prefix=KEY_FILE, dir=cache)  # for its owner alone
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        # Of two that do this at once, the first one's key stays.
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(aside)
    return path.read_bytes()


def keyed_generator(key: bytes, purpose: str) -> np.random.Generator:
    """Random numbers from the machine's secret key; the same for the same purpose."""
    digest = hmac.digest(key, purpose.encode(), "sha256")
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def _nudged(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Each value one step up, one down, or as it is."""
    steps = generator.integers(-1, 2, image.shape, dtype=np.int16)
    return np.clip(image + steps, 0, 255).astype(np.uint8)
