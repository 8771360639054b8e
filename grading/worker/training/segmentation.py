"""Streets: batches for FCN8s."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grading.data.arrays import Images
from grading.protocol.wire import Plain
from grading.worker.student import LocalStudent, attribute, call
from grading.worker.training.batches import batches_of
from grading.worker.training.normalise import Normalise

DROPPED = 255


class Segmentation:
    """Batches of random crops, and their loss.

    Pictures and labels lie on the device as bytes; crops, floats and targets are made there. Which crops is drawn on
    the CPU, so that a GPU sees the same ones.
    """

    @staticmethod
    def modules_of(job: Plain) -> list[str]:
        """The student's modules that batches are made with."""
        return ["classes"]

    def __init__(self, job: Plain, student: LocalStudent, device: torch.device) -> None:
        self._crop = job["protocol"]["crop"]
        self._batch_size = job["protocol"]["batch_size"]
        self.sides: tuple[int, ...] = (self._crop, self._crop)
        self._images = _on_device(Images.of(*job["train_images"]), device)
        self._validation = [_on_device(Images.of(*images), device) for images in job["validation_images"]]
        self._draws = torch.Generator().manual_seed(job["seed"])
        reduce = attribute(student.module("classes"), "reduce_classes")
        labels = torch.from_numpy(job["train_labels"])
        self._labels = call(reduce, labels, dict(job["mapping"]), ignore_index=DROPPED, gives=Tensor).to(device)
        self._classes = torch.arange(job["num_classes"], dtype=torch.uint8, device=device).reshape(1, -1, 1, 1)
        # Each batch overwrites the targets of the one before: to fill new memory takes eight times as long.
        self._targets = torch.empty(self._batch_size + 1, job["num_classes"], *self.sides, device=device)
        self._normalise = Normalise(device)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Float32 images (n, 3, crop, crop) and one-hot targets (n, classes, crop, crop) of the next epoch.

        The targets of a batch are valid until the next batch is asked for.
        """
        for chosen in batches_of(torch.randperm(len(self._images), generator=self._draws), self._batch_size):
            crops = [self._drawn(index) for index in chosen.tolist()]
            images, labels = (torch.stack(part) for part in zip(*crops, strict=True))
            targets = torch.eq(labels.unsqueeze(1), self._classes, out=self._targets[: len(labels)])
            yield self._normalise(images), targets  # a dropped pixel is all zeros

    def validation_batches(self, part: int) -> Iterator[Tensor]:
        """The validation images of one set, which are cropped already, in their order."""
        yield from map(self._normalise, self._validation[part].split(10))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross entropy of every class on its own, as the report has it."""
        return F.binary_cross_entropy_with_logits(logits, targets)

    def close(self) -> None:
        """Nothing works beside the training."""

    def _drawn(self, index: int) -> tuple[Tensor, Tensor]:
        """A random crop of one picture, bytes (3, crop, crop), and of its labels (crop, crop)."""
        height, width = self._labels.shape[1:]
        top, left, flip = (
            int(torch.randint(high, (1,), generator=self._draws))
            for high in (height - self._crop + 1, width - self._crop + 1, 2)
        )
        rows, columns = slice(top, top + self._crop), slice(left, left + self._crop)
        image, labels = self._images[index, :, rows, columns], self._labels[index, rows, columns]
        return (image.flip(2), labels.flip(1)) if flip else (image, labels)


def _on_device(images: Images, device: torch.device) -> Tensor:
    """Bytes (N, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(images.stacked().transpose(0, 3, 1, 2))).to(device)
