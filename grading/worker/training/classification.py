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
from grading.worker.training.tutorial import TutorialViews
from grading.worker.training.views import Batch, Transform, TransformedViews, Views

VALIDATION_BATCH = 25  # its activations fit into the cache of a core; a GPU of such batches has 16 an epoch


class Classification:
    """Batches of transformed faces, and their loss.

    The tutorial's augmentation gives bytes, which are normalised on the device; the student's does all by itself.
    """

    sides: tuple[int, ...] = ()

    @staticmethod
    def modules_of(job: Plain) -> list[str]:
        """The student's modules that batches are made with."""
        return ["augmentation"] if job["augmentation"] == "face" else []

    def __init__(self, job: Plain, student: LocalStudent, device: torch.device) -> None:
        self._device = device
        size, seed = job["protocol"]["crop"], job["seed"]
        images = Images.of(*job["train_images"])
        validation_images = [Images.of(*images) for images in job["validation_images"]]
        if job["augmentation"] == "face":
            module = student.module("augmentation")
            train = call(attribute(module, "face_train_transform"), size)
            evaluate = call(attribute(module, "face_eval_transform"), size)
            views: Views = TransformedViews(train, images, size, torch.float32, seed)
        else:
            evaluate = _tutorial_evaluation(job["protocol"]["resize"], size)
            views = TutorialViews(images, size, seed)
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
            TransformedViews(evaluate, images, size, views.dtype, seed).all().to(device) for images in validation_images
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
        yield from map(self._floats, self._validation[part].split(VALIDATION_BATCH))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(logits, targets)

    def close(self) -> None:
        """End the processes that make batches."""
        self._made.close()

    def _floats(self, views: Tensor) -> Tensor:
        return self._normalise(views) if views.dtype == torch.uint8 else views


def _tutorial_evaluation(resize: int, crop: int) -> Transform:
    steps = [transforms.Resize(resize), transforms.CenterCrop(crop), transforms.PILToTensor()]
    composed: Transform = transforms.Compose(steps)
    return composed
