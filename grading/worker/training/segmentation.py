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
from grading.worker.training.classification import IMAGENET_MEAN, IMAGENET_STD

DROPPED = 255


class Segmentation:
    """Batches of random crops, and their loss."""

    @staticmethod
    def modules_of(job: Plain) -> list[str]:
        """The student's modules that batches are made with."""
        return ["classes"]

    def __init__(self, job: Plain, student: LocalStudent) -> None:
        self.crop = job["protocol"]["crop"]
        self.batch_size = job["protocol"]["batch_size"]
        self.num_classes = job["num_classes"]
        self.images = Images.of(*job["train_images"]).stacked()
        self.draws = torch.Generator().manual_seed(job["seed"])
        self.validation = [Images.of(*images).stacked() for images in job["validation_images"]]
        labels = torch.from_numpy(job["train_labels"])
        reduce = attribute(student.module("classes"), "reduce_classes")
        mapping = dict(job["mapping"])
        self.labels = call(reduce, labels, mapping, ignore_index=DROPPED, gives=Tensor)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Float32 images (n, 3, crop, crop) and one-hot targets (n, classes, crop, crop), in a new random order."""
        for chosen in batches_of(torch.randperm(len(self.images), generator=self.draws), self.batch_size):
            crops = [self._drawn(index) for index in chosen.tolist()]
            yield (
                normalised(torch.stack([image for image, _ in crops])),
                self._one_hot([labels for _, labels in crops]),
            )

    def validation_batches(self, part: int) -> Iterator[Tensor]:
        """The validation images of one set, which are cropped already, in their order."""
        images = self.validation[part]
        for start in range(0, len(images), 10):
            yield normalised(torch.from_numpy(np.array(images[start : start + 10])))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross entropy of every class on its own, as the report has it."""
        return F.binary_cross_entropy_with_logits(logits, targets)

    def _drawn(self, index: int) -> tuple[Tensor, Tensor]:
        height, width = self.images.shape[1:3]
        top, left, flip = (
            int(torch.randint(high, (1,), generator=self.draws))
            for high in (height - self.crop + 1, width - self.crop + 1, 2)
        )
        window = (slice(top, top + self.crop), slice(left, left + self.crop))
        image = torch.from_numpy(np.array(self.images[index][window]))
        labels = self.labels[index][window]
        return (image.flip(1), labels.flip(1)) if flip else (image, labels)

    def _one_hot(self, labels: list[Tensor]) -> Tensor:
        """A dropped pixel is all zeros."""
        classes = torch.arange(self.num_classes).reshape(1, -1, 1, 1)
        return (torch.stack(labels).unsqueeze(1) == classes).float()


def normalised(images: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) to ImageNet-normalised float32 (N, 3, H, W), contiguous, as networks get it in the tests."""
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((images.permute(0, 3, 1, 2).float() / 255 - mean) / std).contiguous()
