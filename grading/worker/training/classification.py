"""Faces: batches for the cases of part 1 and the challenger."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision import transforms

from grading.data.arrays import Images
from grading.protocol.wire import Plain
from grading.worker.student import LocalStudent, attribute, call
from grading.worker.training.ahead import batches_of_views
from grading.worker.training.batches import batches_of
from grading.worker.training.normalise import Normalise
from grading.worker.training.views import Batch, Transform, Views


class Classification:
    """Batches of transformed faces, and their loss.

    The tutorial's transform gives bytes, which are normalised on the device; the student's does all by itself.
    """

    sides: tuple[int, ...] = ()

    @staticmethod
    def modules_of(job: Plain) -> list[str]:
        """The student's modules that batches are made with."""
        return ["augmentation"] if job["augmentation"] == "face" else []

    def __init__(self, job: Plain, student: LocalStudent, device: torch.device) -> None:
        self._device = device
        size, seed = job["protocol"]["crop"], job["seed"]
        dtype = torch.float32 if job["augmentation"] == "face" else torch.uint8
        train, evaluate = _transforms(job["augmentation"], job["protocol"], student)
        views = Views(train, Images.of(*job["train_images"]), size, dtype, seed)
        # Which pictures come together is known for all epochs, so that processes can work ahead of them. They are
        # forked before this one has anything to do with a GPU.
        order = torch.Generator().manual_seed(seed)
        count, batch_size = len(job["train_labels"]), job["protocol"]["batch_size"]
        epochs = [
            [Batch(epoch, chosen.tolist()) for chosen in batches_of(torch.randperm(count, generator=order), batch_size)]
            for epoch in range(sum(job["validation_epochs"]))
        ]
        every_batch = [batch for epoch in epochs for batch in epoch]
        self._made = batches_of_views(views, every_batch, job["transform_processes"])
        self._epochs = iter(epochs)
        # The validation views never change, so they are made once.
        self._validation = [
            Views(evaluate, Images.of(*images), size, dtype, seed).all().to(device)
            for images in job["validation_images"]
        ]
        self._labels = torch.from_numpy(job["train_labels"]).long().to(device)
        self._normalise = Normalise(device)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Float32 images (n, 3, size, size) and int64 labels (n,) of the next epoch, in a new random order."""
        for batch in next(self._epochs):
            views = self._made.next()
            if self._device.type == "cuda":
                views = views.pin_memory()
            indices = torch.tensor(batch.indices, device=self._device)
            yield self._floats(views.to(self._device, non_blocking=True)), self._labels[indices]

    def validation_batches(self, part: int) -> Iterator[Tensor]:
        """The validation images of one set, in their order."""
        yield from map(self._floats, self._validation[part].split(50))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(logits, targets)

    def close(self) -> None:
        """End the processes that make batches."""
        self._made.close()

    def _floats(self, views: Tensor) -> Tensor:
        return self._normalise(views) if views.dtype == torch.uint8 else views


def _transforms(augmentation: str, protocol: Plain, student: LocalStudent) -> tuple[Transform, Transform]:
    """For the training, and for the validation."""
    crop = protocol["crop"]
    if augmentation == "face":
        module = student.module("augmentation")
        return (
            call(attribute(module, "face_train_transform"), crop),
            call(attribute(module, "face_eval_transform"), crop),
        )
    training = [transforms.RandomResizedCrop(crop), transforms.RandomHorizontalFlip()]
    evaluation = [transforms.Resize(protocol["resize"]), transforms.CenterCrop(crop)]
    bytes_of = transforms.PILToTensor()
    return transforms.Compose([*training, bytes_of]), transforms.Compose([*evaluation, bytes_of])
