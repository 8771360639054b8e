"""What a grading asks of a task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Configuration, Control, Profile
from grading.assignment.tasks import TaskFacts
from grading.data.arrays import Dataset, Images
from grading.protocol.wire import Plain
from grading.scoring.blinding import Blinding
from grading.scoring.control import Rule

Pictures = Images | NDArray[np.uint8]
Labels = NDArray[np.uint8]


class Task(ABC):
    """One task of the homework.

    `facts` says what assignment.toml may ask of it; `grading.worker.training` trains it inside the sandbox.

    Attributes:
        how_to_get: what `facts.option` names, or how to get it.
        answers_pixels: whether a network gives a class to each pixel, not to each picture.
    """

    facts: TaskFacts
    how_to_get: str
    answers_pixels: bool

    @abstractmethod
    def class_names(self, configuration: Configuration, profile: Profile) -> tuple[str, ...]:
        """What people call the classes of a configuration, in the order of their numbers."""

    @abstractmethod
    def generated(self, cache: Path, profile: Profile) -> Dataset:
        """The data set of a profile whose pictures are drawn, from the cache if they were drawn before."""

    @abstractmethod
    def given(self, folder: Path, cache: Path, profile: Profile) -> Dataset:
        """The data set in a folder, decoded once.

        Raises:
            DataError: the folder holds something else.
        """

    def downloaded(self, cache: Path) -> Path | None:
        """The folder into which `python -m grading fetch` brings the data; None if they are not there."""
        return None

    @abstractmethod
    def secret_count(self, profile: Profile) -> int | None:
        """Number of secret validation pictures; None if the data are given."""

    @abstractmethod
    def secret_pictures(self, count: int, seed: int) -> tuple[NDArray[np.uint8], Labels]:
        """Images, uint8 (N, H, W, 3), and labels, (N,) or (N, H, W), of a seed that nobody knows, below 2**64."""

    @abstractmethod
    def check_images(self, configuration: Configuration, protocol: Mapping[str, Any], images: Images) -> None:
        """Check that the protocol can be followed on these training images.

        Raises:
            DataError: an image is too small.
        """

    @abstractmethod
    def labels_for_worker(self, labels: Labels, configuration: Configuration, blinding: Blinding) -> dict[str, Plain]:
        """The part of a training's job that holds the training labels, in the worker's numbering of the classes."""

    @abstractmethod
    def shown(self, images: Pictures, labels: Labels, protocol: Mapping[str, Any]) -> tuple[Pictures, Labels]:
        """Validation pictures as a worker gets them, and the labels of what they show."""

    @abstractmethod
    def targets(self, labels: Labels, configuration: Configuration) -> Labels:
        """What the answers to shown pictures are scored against; IGNORED if a pixel has no class."""

    @abstractmethod
    def worth_a_look(
        self, labels: Labels, predictions: Labels, confidence: NDArray[np.float32] | None
    ) -> NDArray[np.int64]:
        """Which of the validation pictures of an epoch people are shown, the most interesting first.

        Args:
            labels, predictions: true classes and predicted ones.
            confidence: (N,), how sure the network was of its prediction; None if it is not known.
        """

    @abstractmethod
    def to_look_at(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Pictures as people are shown them, uint8 (n, H, W, 3)."""

    @abstractmethod
    def draw_rule(
        self,
        generator: np.random.Generator,
        configuration: Configuration,
        constants: Control,
        images: Pictures,
        labels: Labels,
    ) -> Rule:
        """Draw the secret rule of a control; see `grading.scoring.control`.

        Args:
            images, labels: of the training; their lightness sets the rule's limits.
        """
