"""Pictures as an augmentation shows them: each has random numbers of its own.

The same picture in the same epoch of the same training looks the same, whichever process makes it, and whatever was
drawn before it.
"""

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from grading.data.arrays import Images
from grading.protocol.questions import StudentRaised
from grading.worker.probes.process_state import random_states, restore_random_states
from grading.worker.student import call

Transform = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Batch:
    """Which pictures a network sees together.

    Attributes:
        epoch: from 0.
        indices: of the pictures.
    """

    epoch: int
    indices: Sequence[int]


class Views(Protocol):
    """Makes batches of pictures.

    Attributes:
        shape, dtype: of each picture.
    """

    shape: tuple[int, int, int]
    dtype: torch.dtype

    def batch(self, batch: Batch, out: Tensor | None = None) -> Tensor:
        """The pictures of a batch, (n, *shape). They follow from it, and from the seed of the training, alone.

        Args:
            out: where they are to lie; a new tensor by default.

        Raises:
            StudentRaised: the student's code raised, or returned something else than one such picture.
        """


class TransformedViews:
    """Pictures as a transform for one PIL image shows them.

    Args:
        transform: from a PIL image to a tensor.
        images: what is shown.
        size: height and width of the results.
        dtype: of the results.
        seed: of the training.
    """

    def __init__(self, transform: Transform, images: Images, size: int, dtype: torch.dtype, seed: int) -> None:
        self._transform = transform
        self._images = images
        self._seed = seed
        self.shape = (3, size, size)
        self.dtype = dtype

    def batch(self, batch: Batch, out: Tensor | None = None) -> Tensor:
        """As in `Views`. The global generators are seeded for each picture, and then as before: dropout needs them."""
        before = random_states()
        try:
            views = []
            for index in batch.indices:
                seed_generators(zlib.crc32(f"{self._seed} {batch.epoch} {index}".encode()))
                views.append(self.view(index))
        finally:
            restore_random_states(before)
        return torch.stack(views, out=out)

    def view(self, index: int) -> Tensor:
        """One picture, with the random numbers that come next."""
        view: Tensor = call(self._transform, Image.fromarray(self._images[index]), gives=Tensor)
        if view.shape != self.shape or view.dtype != self.dtype:
            got, wanted = f"{view.dtype} {tuple(view.shape)}", f"{self.dtype} {self.shape}"
            raise StudentRaised(["ValueError"], f"the transform gave {got} in place of {wanted}", [])
        return view

    def all(self) -> Tensor:
        """Every picture once, in order."""
        return torch.stack([self.view(index) for index in range(len(self._images))])


def seed_generators(seed: int) -> None:
    """Seed all that a transform may draw from: the three global generators, but not those of a GPU."""
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
