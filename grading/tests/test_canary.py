"""Who was trained on shuffled labels and still knows was told."""

import numpy as np
import pytest

from grading.canary import chance, sings
from grading.journal import Run
from grading.scoring import IGNORED


def trained(tail: float, failure: str | None = None) -> Run:
    return Run("Q1-8-canary", 0, ({"epoch": 1, "loss": 0.7, "accuracy": tail},), 1.0, failure=failure)


@pytest.mark.parametrize(
    ("tail", "suspicious"), [(0.5, False), (0.62, False), (0.40, False), (0.72, True), (0.2, True)]
)
def test_far_from_chance_is_suspicious(tail: float, suspicious: bool) -> None:
    why = sings(trained(tail), "accuracy", by_chance=0.5, threshold=0.88)
    assert (why is not None) is suspicious
    if why:
        assert f"{tail:.4f}" in why


def test_a_training_that_failed_says_nothing() -> None:
    assert sings(trained(0.9, "no"), "accuracy", by_chance=0.5, threshold=0.88) is None


def test_chance_is_the_best_constant_answer() -> None:
    assert chance("classification", "accuracy", np.array([0, 1, 1, 1], "uint8"), 2) == 0.75
    streets = np.array([[[0, 0, 0, 1]], [[IGNORED, 0, 0, 2]]], "uint8")
    # Class 0 everywhere: 3/4 and, with the ignored pixel in the union, 2/4; the others 0.
    assert chance("segmentation", "miou_reported", streets, 3) == pytest.approx((3 / 4 + 2 / 4) / 2 / 3)
