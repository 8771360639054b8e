"""What no training of a recipe shows is for a person to look at."""

import pytest

from grading.journal import Run
from grading.plausible import Bounds, implausible, range_before_tail

BOUNDS = Bounds(most_early=0.78, most_tail=0.88, least_range=0.03)
RIGHT = [0.71, 0.74, 0.78, 0.80, 0.81, 0.82, 0.83, 0.83, 0.83, 0.84]


def trained(values: list[float], seed: int = 0) -> Run:
    history = tuple({"epoch": n, "loss": 0.5, "accuracy": value} for n, value in enumerate(values, start=1))
    return Run("Q1-1", seed, history, 1.0)


def test_what_learns_as_others_do_is_plausible() -> None:
    assert implausible([trained(RIGHT), trained(RIGHT, 1)], "accuracy", BOUNDS) is None
    assert implausible([trained([0.99])], "accuracy", Bounds()) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([*RIGHT[:-2], 0.92, 0.93], "its tail"),
        ([0.9, 0.9, *RIGHT[2:]], "in the first fifth"),
        ([0.77] * 8 + [0.84, 0.84], "its epochs before the tail differ"),
    ],
)
def test_what_does_not_is_told(values: list[float], said: str) -> None:
    why = implausible([trained(values), trained(values, 1)], "accuracy", BOUNDS)
    assert why is not None
    assert why.startswith(said)


def test_one_odd_seed_of_many_is_chance() -> None:
    runs = [trained([0.85, *RIGHT[1:]]), *(trained(RIGHT, seed) for seed in range(1, 4))]
    assert implausible(runs, "accuracy", BOUNDS) is None


def test_the_range_is_that_of_the_usual_pictures() -> None:
    assert range_before_tail(trained([0.5, 0.6, 0.55, 0.6, 0.9]), "accuracy") == pytest.approx(0.1)
    assert range_before_tail(trained([0.5]), "accuracy") == 0
