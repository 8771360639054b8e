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
TWINS = 8  # images that come twice: they make a last batch of another size, and meet other neighbours


@dataclass(frozen=True, eq=False)
class Disguise:
    """One training's secrets.

    Attributes:
        order: (N + T,) the true index of each validation image that the worker sees; T of them come twice.
        names: (C,) the number by which the worker knows each class.
        noise: a seed.
        shuffle: a seed for training labels that are to teach nothing.
    """

    order: NDArray[np.int64]
    names: NDArray[np.int64]
    noise: int
    shuffle: int

    @classmethod
    def draw(cls, key: bytes, purpose: str, *, images: int, classes: int) -> "Disguise":
        """Draw from the machine's secret key; the same for the same purpose, such as `"Q1-1 seed 0"`."""
        digest = hmac.digest(key, f"{purpose} {images} {classes}".encode(), "sha256")
        generator = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
        order = generator.permutation(images)
        names = generator.permutation(classes)
        noise, shuffle = generator.integers(2**62, size=2).tolist()
        twins = generator.choice(images, size=min(TWINS, images), replace=False)
        places = generator.integers(len(order) + 1, size=len(twins))
        return cls(np.insert(order, places, twins), names, noise, shuffle)

    def images(self, images: Images | NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """The validation images as the worker gets them."""
        generator = np.random.default_rng(self.noise)
        nudged = [_nudged(images[index], generator) for index in range(len(self._first))]
        return [nudged[index] for index in self.order.tolist()]

    def labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels in [0, C) as the worker knows them."""
        return self.names.astype(np.uint8)[labels]

    def mapping(self, mapping: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Rules from old to new classes, the new ones as the worker knows them."""
        return [[old, int(self.names[new])] for old, new in mapping]

    def shuffled(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The same training labels, each at another place, of another image perhaps: there is nothing to learn.

        Whole label maps dealt out to other images would still tell where roads and skies usually are.
        """
        return np.random.default_rng(self.shuffle).permutation(labels.ravel()).reshape(labels.shape)

    def logits(self, logits: Array) -> Array:
        """A worker's logits (N + T, C, ...), with images and classes in their true order and each image once."""
        return logits[self._first][:, self.names]

    def discord(self, logits: Array) -> float:
        """How far the two answers to an image lie apart at most, in standard deviations of all logits; 0 where none do.

        Where logits hardly vary, float32 rounds their differences: a tenth of the largest counts as spread then.
        """
        again = np.setdiff1d(np.arange(len(self.order)), self._first)
        apart = np.abs(logits[again] - logits[self._first[self.order[again]]]).max(initial=0.0)
        spread = max(float(logits.std()), 0.1 * float(np.abs(logits).max(initial=0.0)))
        return float(apart) / spread if apart else 0.0

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


def _nudged(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Each value one step up, one down, or as it is."""
    steps = generator.integers(-1, 2, image.shape, dtype=np.int16)
    return np.clip(image + steps, 0, 255).astype(np.uint8)
