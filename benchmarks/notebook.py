"""A training as the homework's notebooks have it: files that are opened anew in each epoch, loops over classes, and a
wait for the loss in each step.

After the transfer-learning tutorial of PyTorch, on which part 1 is built, and the usual FCN notebooks of part 2.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks.training import Training
from grading.worker.training.networks import OPTIMIZERS
from solutions.augmentation import face_eval_transform, face_train_transform

WORKERS = min(4, os.cpu_count() or 1)  # the tutorial has four
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
VOID = 11

View = Callable[[Image.Image], Tensor]


class FacesNotebook:
    """Part 1.

    Args:
        folder: holds `train/<class>/*` and `val/<class>/*`.
    """

    def __init__(self, training: Training, folder: Path) -> None:
        self._device = training.device
        self._model, self._optimizer = _network(training)
        self._criterion = nn.CrossEntropyLoss()
        size = training.job["protocol"]["batch_size"]
        parts = zip(("train", "val"), _views(training), strict=True)
        self._loaders = {
            part: DataLoader(ImageFolder(str(folder / part), view), size, shuffle=part == "train", num_workers=WORKERS)
            for part, view in parts
        }

    def train(self) -> tuple[float, float]:
        """One epoch; its loss and accuracy."""
        with _own_precision():
            return self._run("train")

    def predict(self) -> tuple[float, float]:
        """Loss and accuracy on the validation pictures."""
        with _own_precision():
            return self._run("val")

    def _run(self, part: str) -> tuple[float, float]:
        is_training = part == "train"
        self._model.train(is_training)
        running_loss, running_corrects, count = 0.0, 0, 0
        for images, labels in self._loaders[part]:
            inputs, targets = images.to(self._device), labels.to(self._device)
            self._optimizer.zero_grad()
            with torch.set_grad_enabled(is_training):
                outputs = self._model(inputs)
                _, predictions = torch.max(outputs, 1)
                loss = self._criterion(outputs, targets)
                if is_training:
                    loss.backward()
                    self._optimizer.step()
            running_loss += loss.item() * len(inputs)
            running_corrects += int((predictions == targets).sum().item())
            count += len(inputs)
        return running_loss / count, running_corrects / count


class StreetsNotebook:
    """Part 2.

    Args:
        folder: holds `train`, `trainannot`, `val` and `valannot`.
        counts: how many pictures of the first and of the third are used.
    """

    def __init__(self, training: Training, folder: Path, counts: tuple[int, int]) -> None:
        protocol, self._classes = training.job["protocol"], training.job["num_classes"]
        self._device = training.device
        self._model, self._optimizer = _network(training)
        self._criterion = nn.BCEWithLogitsLoss()
        size, crop = protocol["batch_size"], protocol["crop"]
        train, validation = (
            StreetFiles(folder, part, count, crop, self._classes)
            for part, count in zip(("train", "val"), counts, strict=True)
        )
        self._train = DataLoader(train, size, shuffle=True, num_workers=WORKERS)
        self._validation = DataLoader(validation, size, num_workers=WORKERS)

    def train(self) -> float:
        """One epoch; its loss."""
        with _own_precision():
            self._model.train()
            losses = []
            for images, targets, _ in self._train:
                self._optimizer.zero_grad()
                loss = self._criterion(self._model(images.to(self._device)), targets.to(self._device))
                loss.backward()
                self._optimizer.step()
                losses.append(loss.item())
            return float(np.mean(losses))

    def predict(self) -> tuple[float, float]:
        """Mean IoU and accuracy on the validation pictures."""
        with _own_precision(), torch.no_grad():
            self._model.eval()
            ious, accuracies = [], []
            for images, _, labels in self._validation:
                logits = self._model(images.to(self._device)).cpu().numpy()
                for scores, target in zip(logits, labels.numpy(), strict=True):
                    prediction = scores.argmax(axis=0)
                    ious.append(class_ious(prediction, target, self._classes))
                    accuracies.append(float((prediction == target).mean()))
            return float(np.nanmean(np.nanmean(ious, axis=0))), float(np.mean(accuracies))


class StreetFiles(TorchDataset[tuple[Tensor, Tensor, NDArray[np.uint8]]]):
    """Pictures and labels, opened when they are asked for.

    Args:
        part: `"train"`, cropped and flipped at random, or `"val"`, the middle of each.
    """

    def __init__(self, folder: Path, part: str, count: int, crop: int, classes: int) -> None:
        self._images = sorted((folder / part).glob("*.png"))[:count]
        self._labels = sorted((folder / f"{part}annot").glob("*.png"))[:count]
        self._is_training = part == "train"
        self._crop = crop
        self._classes = classes
        self._to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, NDArray[np.uint8]]:
        """A picture (3, crop, crop), a one-hot target (classes, crop, crop) and the labels (crop, crop)."""
        image = np.asarray(Image.open(self._images[index]).convert("RGB"))
        labels = np.asarray(Image.open(self._labels[index]))
        height, width = labels.shape
        top, left = (height - self._crop) // 2, (width - self._crop) // 2
        if self._is_training:
            top = np.random.randint(height - self._crop + 1)
            left = np.random.randint(width - self._crop + 1)
        image = image[top : top + self._crop, left : left + self._crop]
        labels = labels[top : top + self._crop, left : left + self._crop]
        if self._is_training and np.random.random() < 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        target = torch.zeros(self._classes, self._crop, self._crop)
        for number in range(self._classes):
            target[number][torch.from_numpy(labels == number)] = 1
        return self._to_tensor(Image.fromarray(image)), target, labels.copy()


def class_ious(prediction: NDArray[np.integer], target: NDArray[np.integer], classes: int) -> list[float]:
    """IoU of each class; NaN if it is in neither."""
    ious = []
    for number in range(classes):
        predicted = prediction == number
        there = target == number
        intersection = (predicted & there).sum()
        union = (predicted | there).sum()
        ious.append(float(intersection / union) if union else float("nan"))
    return ious


def _network(training: Training) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The same network, with the optimizer that its protocol names at PyTorch's defaults."""
    model, optimizer = training.network()
    model.to(memory_format=torch.contiguous_format)
    settings = dict(training.job["protocol"].get("optimizer", {}))
    if not settings:  # the challenger brings its own
        return model, optimizer
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return model, OPTIMIZERS[settings.pop("name")](trainable, **settings)


def _views(training: Training) -> tuple[View, View]:
    """The transforms of training and validation."""
    protocol = training.job["protocol"]
    crop = protocol["crop"]
    if training.job["augmentation"] == "face":
        return face_train_transform(crop), face_eval_transform(crop)
    to_tensor = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    return (
        transforms.Compose([transforms.RandomResizedCrop(crop), transforms.RandomHorizontalFlip(), *to_tensor]),
        transforms.Compose([transforms.Resize(protocol["resize"]), transforms.CenterCrop(crop), *to_tensor]),
    )


@contextmanager
def _own_precision() -> Iterator[None]:
    """cuDNN as PyTorch sets it up: convolutions in TF32 on a GPU. Afterwards it is as before."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
