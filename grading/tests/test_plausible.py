"""A training that no training of the same recipe resembles is referred to a person."""

from dataclasses import replace

import pytest

from grading.assignment.assignment import read_assignment
from grading.assignment.calibration import Measured, Spread
from grading.assignment.training_record import Run
from grading.verdicts.expectation import expectation_of
from grading.verdicts.plausible import Bounds, bounds_of, implausible, range_before_tail

BOUNDS = Bounds(most_early=0.78, most_tail=0.88, least_range=0.03)
RIGHT = [0.71, 0.74, 0.78, 0.80, 0.81, 0.82, 0.83, 0.83, 0.83, 0.84]


def run_with(values: list[float], seed: int = 0) -> Run:
    history = tuple({"epoch": n, "loss": 0.5, "accuracy": value} for n, value in enumerate(values, start=1))
    return Run("Q1-1", seed, history, 1.0)


def test_a_usual_learning_curve_is_plausible() -> None:
    assert implausible([run_with(RIGHT), run_with(RIGHT, 1)], "accuracy", BOUNDS) is None
    assert implausible([run_with([0.99])], "accuracy", Bounds()) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([*RIGHT[:-2], 0.92, 0.93], "its tail"),
        ([0.9, 0.9, *RIGHT[2:]], "in the first fifth"),
        ([0.77] * 8 + [0.84, 0.84], "its epochs before the tail differ"),
    ],
)
def test_an_unusual_learning_curve_is_implausible(values: list[float], reason: str) -> None:
    why = implausible([run_with(values), run_with(values, 1)], "accuracy", BOUNDS)
    assert why is not None
    assert why.startswith(reason)


def test_one_odd_seed_of_many_is_chance() -> None:
    runs = [run_with([0.85, *RIGHT[1:]]), *(run_with(RIGHT, seed) for seed in range(1, 4))]
    assert implausible(runs, "accuracy", BOUNDS) is None


def test_the_range_is_that_of_the_usual_pictures() -> None:
    assert range_before_tail(run_with([0.5, 0.6, 0.55, 0.6, 0.9]), "accuracy") == pytest.approx(0.1)
    assert range_before_tail(run_with([0.5]), "accuracy") == 0


def measured() -> Measured:
    spread = Spread(0.85, 0.01, 0.013, 0.86, 0.7)
    return Measured(20, 5.0, {"accuracy": spread}, (), {}, {}, {})


def test_an_outlier_among_the_right_designs_sets_no_boundary() -> None:
    """No number fails it, because it is right; but a face on noise says little about other designs."""
    usual = {f"augmentation-{n}": 0.86 + n / 100 for n in range(6)}
    calibration = replace(measured(), designs={**usual, "augmentation-odd": 0.55})
    assert calibration.typical == set(usual)
    c = read_assignment().configuration("Q1-5")
    gate = expectation_of(c, read_assignment().profiles["mini"], {"Q1-5": calibration}, read_assignment().gate).gate
    assert gate.threshold == pytest.approx(0.83)  # half a margin below the reference
    assert gate.floor is not None
    assert gate.floor < 0.55
    gaps = {**dict.fromkeys(usual, 0.4), "augmentation-odd": 0.1}
    with_gaps = replace(calibration, design_control_gaps=gaps)
    assert with_gaps.least_control_gap(0.8) == 0.4
    assert with_gaps.least_control_gap(0.5) == 0.1


def test_bounds_come_from_seeds_and_typical_designs() -> None:
    rule, values = read_assignment().gate, tuple(0.70 + n / 100 for n in range(6))
    designs = {f"augmentation-{n}": 0.80 + n / 100 for n in range(6)}
    seeds = replace(measured(), tails=values, early=values, least_range=0.05)
    calibration = replace(seeds, designs=designs, design_early=dict.fromkeys(designs, 0.5))
    fixed, free = (bounds_of(read_assignment().configuration(id), calibration, rule) for id in ("Q1-5", "Q1-8"))
    assert fixed.most_tail is not None
    assert 0.9 < fixed.most_tail < 1.0
    assert fixed.most_early is not None
    assert 0.8 < fixed.most_early < 0.9
    assert fixed.least_range == 0.025
    assert free.most_tail is None  # a better challenger is welcome
    assert bounds_of(read_assignment().configuration("Q1-5"), measured(), rule) == Bounds()
