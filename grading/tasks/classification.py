"""Faces with and without heavy make-up (part 1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Configuration, Control, Profile
from grading.assignment.tasks import CLASSIFICATION
from grading.data import generated
from grading.data.arrays import Dataset, Images
from grading.data.faces import faces
from grading.data.fitted import fitted
from grading.protocol.wire import Plain
from grading.scoring.blinding import Blinding
from grading.scoring.control import Rule
from grading.scoring.face_rule import draw_face_rule
from grading.tasks.task import Labels, Pictures, Task

MISTAKES, SIDE = 8, 128  # that people are shown, and how large


class Classification(Task):
    """One class for each picture, labels (N,)."""

    facts = CLASSIFICATION
    how_to_get = "an image folder, or CelebA as published"
    answers_pixels = False

    def class_names(self, configuration: Configuration, profile: Profile) -> tuple[str, ...]:
        if profile.secret_faces is None:  # a given folder may call its two classes anything
            return ("class 0", "class 1")
        return ("light make-up", "heavy make-up")

    def generated(self, cache: Path, profile: Profile) -> Dataset:
        return generated.faces(cache, profile.train_faces, profile.validation_faces)

    def given(self, folder: Path, cache: Path, profile: Profile) -> Dataset:
        return faces(folder, cache, train_count=profile.train_faces, validation_count=profile.validation_faces)

    def secret_count(self, profile: Profile) -> int | None:
        return profile.secret_faces

    def secret_pictures(self, count: int, seed: int) -> tuple[NDArray[np.uint8], Labels]:
        return generated.secret_faces(count, seed)

    def check_images(self, configuration: Configuration, protocol: Mapping[str, Any], images: Images) -> None:
        """Any size will do: the transforms resize."""

    def labels_for_worker(self, labels: Labels, configuration: Configuration, blinding: Blinding) -> dict[str, Plain]:
        return {"train_labels": blinding.labels(labels)}

    def shown(self, images: Pictures, labels: Labels, protocol: Mapping[str, Any]) -> tuple[Pictures, Labels]:
        """Whole pictures: the transforms crop them."""
        return images, labels

    def targets(self, labels: Labels, configuration: Configuration) -> Labels:
        return labels

    def worth_a_look(
        self, labels: Labels, predictions: Labels, confidence: NDArray[np.float32] | None
    ) -> NDArray[np.int64]:
        """The mistakes that the network was surest of."""
        mistakes = np.flatnonzero(predictions != labels)
        if confidence is not None:
            mistakes = mistakes[np.argsort(-confidence[mistakes], kind="stable")]
        return mistakes[:MISTAKES]

    def to_look_at(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        empty = np.zeros((0, SIDE, SIDE, 3), np.uint8)
        return np.concatenate([empty, *(fitted(image, SIDE)[None] for image in images)])

    def draw_rule(
        self,
        generator: np.random.Generator,
        configuration: Configuration,
        constants: Control,
        images: Pictures,
        labels: Labels,
    ) -> Rule:
        return draw_face_rule(generator, constants, images)
