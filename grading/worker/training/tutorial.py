"""The tutorial's augmentation: a random crop of random shape, resized, and mirrored at random.

torchvision's RandomResizedCrop and RandomHorizontalFlip do the same picture by picture. On PIL images they take three
to six times as long: here the random numbers of a whole epoch are drawn at once, and torch resizes bytes.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from grading.data.arrays import Images
from grading.worker.training.views import Batch

SCALE = (0.08, 1.0)  # the share of the picture's area that a crop has
RATIO = (3 / 4, 4 / 3)  # of a crop's width to its height
TRIES = 10  # crops that may reach beyond the picture before a central one is taken


class TutorialViews:
    """Makes batches of pictures, as bytes.

    Args:
        images: what is shown.
        size: height and width of the results.
        seed: of the training.
    """

    dtype = torch.uint8

    def __init__(self, images: Images, size: int, seed: int) -> None:
        # torch takes no array that is read-only, as those of a data set on disk are.
        self._images = images if images.pixels.flags.writeable else Images.of(images.pixels.copy(), images.shapes)
        self._seed = seed
        self.shape = (3, size, size)
        self._drawn = lru_cache(maxsize=1)(self._drawn_for)

    def batch(self, batch: Batch, out: Tensor | None = None) -> Tensor:
        """The pictures of a batch, uint8 (n, 3, size, size), as in `Views`."""
        crops, mirrored = self._drawn(batch.epoch)
        views = [self._view(index, crops[index]) for index in batch.indices]
        views = [view.flip(2) if mirrored[index] else view for view, index in zip(views, batch.indices, strict=True)]
        return torch.stack(views, out=out)

    def _view(self, index: int, crop: NDArray[np.int64]) -> Tensor:
        """A picture's crop, resized as Pillow does it: uint8 (3, size, size)."""
        top, left, height, width = crop.tolist()
        box = torch.from_numpy(self._images[index][top : top + height, left : left + width])
        return F.interpolate(box.permute(2, 0, 1)[None], self.shape[1:], mode="bilinear", antialias=True)[0]

    def _drawn_for(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The crop of each picture, and whether it is mirrored. They follow from the seed and the epoch alone."""
        generator = np.random.default_rng([self._seed, epoch])
        crops = random_crops(generator, self._images.shapes)
        return crops, generator.random(len(crops)) < 0.5


def random_crops(generator: np.random.Generator, shapes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Crops of random area and shape, as torchvision's RandomResizedCrop draws them.

    Source: `torchvision.transforms.RandomResizedCrop.get_params`.

    Args:
        shapes: (N, 2), height and width of each picture.

    Returns:
        (N, 4): top, left, height and width.
    """
    sides = shapes[:, None]
    area = sides.prod(axis=2) * generator.uniform(*SCALE, (len(shapes), TRIES))
    ratio = np.exp(generator.uniform(math.log(RATIO[0]), math.log(RATIO[1]), (len(shapes), TRIES)))
    tries = np.rint(np.sqrt(np.stack([area / ratio, area * ratio], axis=2))).astype(np.int64)
    fits = ((tries > 0) & (tries <= sides)).all(axis=2)
    chosen = tries[np.arange(len(shapes)), fits.argmax(axis=1)]
    free = np.floor(generator.random((len(shapes), 2)) * (shapes - chosen + 1)).astype(np.int64)
    crops = np.concatenate([free, chosen], axis=1)
    for index in np.flatnonzero(~fits.any(axis=1)):
        crops[index] = central_crop(*shapes[index].tolist())
    return crops


def central_crop(height: int, width: int) -> tuple[int, int, int, int]:
    """The largest crop in the middle whose shape is allowed: top, left, height and width."""
    ratio = min(max(width / height, RATIO[0]), RATIO[1])
    crop_height, crop_width = min(height, round(width / ratio)), min(width, round(height * ratio))
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width
