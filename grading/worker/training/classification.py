"""Faces: batches for the cases of part 1 and the challenger."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision import transforms

from grading.data.arrays import Images
from grading.protocol.wire import Plain
from grading.worker.student import LocalStudent, attribute, call
from grading.worker.training.batches import batches_of

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Transform = Callable[[Image.Image], Tensor]


class Classification:
    """Batches of transformed faces, and their loss."""

    @staticmethod
    def modules_of(job: Plain) -> list[str]:
        """The student's modules that batches are made with."""
        return ["augmentation"] if job["augmentation"] == "face" else []

    def __init__(self, job: Plain, student: LocalStudent) -> None:
        protocol = job["protocol"]
        self.images = Images.of(*job["train_images"])
        self.labels = torch.from_numpy(job["train_labels"]).long()
        self.order = torch.Generator().manual_seed(job["seed"])
        self.batch_size = protocol["batch_size"]
        self.transform, evaluate = _transforms(job["augmentation"], protocol, student)
        # The validation views never change, so they are made once.
        self.views = [_views(evaluate, Images.of(*images)) for images in job["validation_images"]]

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Float32 images (n, 3, size, size) and int64 labels (n,), in a new random order."""
        for chosen in batches_of(torch.randperm(len(self.labels), generator=self.order), self.batch_size):
            views = [_applied(self.transform, self.images[index]) for index in chosen.tolist()]
            yield torch.stack(views), self.labels[chosen]

    def validation_batches(self, part: int) -> Iterator[Tensor]:
        """The validation images of one set, in their order."""
        yield from self.views[part].split(50)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(logits, labels)


def _transforms(augmentation: str, protocol: Plain, student: LocalStudent) -> tuple[Transform, Transform]:
    if augmentation == "face":
        module = student.module("augmentation")
        return (
            call(attribute(module, "face_train_transform"), protocol["crop"]),
            call(attribute(module, "face_eval_transform"), protocol["crop"]),
        )
    normalised = [transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)]
    training = [transforms.RandomResizedCrop(protocol["crop"]), transforms.RandomHorizontalFlip()]
    evaluation = [transforms.Resize(protocol["resize"]), transforms.CenterCrop(protocol["crop"])]
    return transforms.Compose(training + normalised), transforms.Compose(evaluation + normalised)


def _views(transform: Transform, images: Images) -> Tensor:
    return torch.stack([_applied(transform, images[index]) for index in range(len(images))])


def _applied(transform: Transform, image: np.ndarray) -> Tensor:
    view: Tensor = call(transform, Image.fromarray(image), gives=Tensor)
    return view
