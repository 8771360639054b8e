"""The report's conclusions, with intervals over images and seeds."""

from dataclasses import replace

import numpy as np
import pytest

from grading.assignment.assignment import Configuration, Relation, read_assignment
from grading.assignment.calibration import Calibration, Measured, Spread
from grading.assignment.training_record import Run
from grading.verdicts.conclusions import relate, relate_all
from grading.verdicts.expectation import Expectation
from grading.verdicts.gate import Gate
from grading.verdicts.outcome import Outcome

ASSIGNMENT = read_assignment()
RELATION = ASSIGNMENT.relations[0]
IMAGES = 400


def outcome(id: str, shares: list[float], paired: bool = True) -> Outcome:
    """One training for each share of right answers; paired ones are right on the same images first."""
    configuration = ASSIGNMENT.configuration(id)
    runs = []
    for seed, share in enumerate(shares):
        right = (np.arange(IMAGES) < share * IMAGES).astype(float)
        if not paired:
            right = right[::-1]
        images = {"right": np.stack([right, 0 * right], 1).tolist()}
        images |= {"union": np.ones((IMAGES, 2)).tolist(), "ignored": np.zeros((IMAGES, 2)).tolist()}
        history = ({"epoch": 1, "loss": 1.0, "accuracy": float(right.mean())},)
        runs.append(Run(id, seed, history, 1.0, counts_by_image=images))
    return outcome_of(configuration, tuple(runs))


def outcome_of(configuration: Configuration, runs: tuple[Run, ...]) -> Outcome:
    gate = Gate(0.5, 0.5, 0.01, 0.04, ASSIGNMENT.gate, 5)
    return Outcome(configuration, "PASS", "", runs, Expectation(gate, configuration.metric, 0.8, ""))


def calibration(sd: float, better: float = 0.9, worse: float = 0.8) -> Calibration:
    return {
        id: Measured(20, 1.0, {"accuracy": Spread(mean, sd, sd, mean, mean)}, (), {}, {}, {})
        for id, mean in ((RELATION.better, better), (RELATION.worse, worse))
    }


@pytest.mark.parametrize(
    ("better", "worse", "wanted"),
    [(0.85, 0.80, "supported"), (0.80, 0.85, "contradicted"), (0.805, 0.80, "undetermined")],
)
def test_verdict_of_a_relation(better: float, worse: float, wanted: str) -> None:
    sides = {id: outcome(id, [share] * 2) for id, share in (("Q1-2", better), ("Q1-1", worse))}
    (related,) = relate_all(ASSIGNMENT, sides, calibration(0.005))
    assert related.relation.id == "fine-tuned > feature extractor"
    assert related.verdict == wanted
    assert related.difference == pytest.approx(better - worse)
    assert related.difference is not None
    assert related.interval is not None
    assert related.interval[0] < related.difference < related.interval[1]


def width(*, paired: bool, sd: float) -> float:
    related = relate(RELATION, outcome("Q1-2", [0.85]), outcome("Q1-1", [0.80], paired), calibration(sd))
    assert related.interval is not None
    return related.interval[1] - related.interval[0]


def test_both_sides_are_compared_on_the_same_images() -> None:
    """If both err on the same images, 20 of 400 answers differ: the SD is sqrt(0.05 * 0.95 / 400)."""
    assert width(paired=True, sd=0.0) == pytest.approx(2 * 1.96 * np.sqrt(0.05 * 0.95 / IMAGES), rel=0.1)
    assert width(paired=False, sd=0.0) > 2 * width(paired=True, sd=0.0)


def test_the_spread_over_seeds_widens_the_interval() -> None:
    assert width(paired=True, sd=0.02) == pytest.approx(2 * 1.96 * np.sqrt(0.05 * 0.95 / IMAGES + 2 * 0.02**2), rel=0.1)


def test_the_same_trainings_give_the_same_interval() -> None:
    first, second = (
        relate(RELATION, outcome("Q1-2", [0.85]), outcome("Q1-1", [0.8]), calibration(0.01)) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(("better", "holds"), [(0.85, True), (0.83, True), (0.79, False)])
def test_a_gated_relation_asks_for_half_the_published_difference(better: float, holds: bool) -> None:
    related = relate(RELATION, outcome("Q1-2", [better] * 2), outcome("Q1-1", [0.8] * 2), calibration(0.005))
    assert related.required == pytest.approx((0.885 - 0.810) / 2)
    assert related.holds is holds


@pytest.mark.parametrize(
    ("relation", "reference"),
    [
        (replace(RELATION, gated=False), calibration(0.005)),
        (RELATION, None),
        (RELATION, {"Q1-2": calibration(0.005)["Q1-2"]}),
        (RELATION, calibration(0.005, better=0.83, worse=0.80)),
    ],
)
def test_no_gate_if_none_is_asked_for_or_the_reference_does_not_pass_it(
    relation: Relation, reference: Calibration | None
) -> None:
    related = relate(relation, outcome("Q1-2", [0.7] * 2), outcome("Q1-1", [0.8] * 2), reference)
    assert related.required is None
    assert related.holds


def test_nothing_finished_is_undetermined() -> None:
    empty = outcome_of(ASSIGNMENT.configuration("Q1-2"), ())
    related = relate(RELATION, empty, outcome("Q1-1", [0.8]), None)
    assert (related.verdict, related.difference, related.interval) == ("undetermined", None, None)
