"""A REVIEW says what PASS needs, where FAIL begins, where the submission lies, and what to look at."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from grading.assignment.assignment import read_assignment
from grading.assignment.calibration import read_calibration
from grading.assignment.training_record import Run
from grading.verdicts.expectation import Expectation, expectation_of
from grading.verdicts.gate import Gate
from grading.verdicts.outcome import Outcome
from grading.verdicts.verdict import judge

ASSIGNMENT = read_assignment()
CALIBRATION = read_calibration("mini") or {}
PROFILE = ASSIGNMENT.profiles["mini"]


def judged(id: str, *tails: float, initial: float = 0.0) -> Outcome:
    """The verdict on five or more trainings of two epochs each."""
    configuration = ASSIGNMENT.configuration(id)
    runs = [
        Run(
            id,
            seed,
            tuple({"epoch": n, "other": seed, configuration.metric: v} for n, v in ((1, initial), (2, tail))),
            1.0,
        )
        for seed, tail in enumerate(tails)
    ]
    return judge(configuration, runs, expected(id), seeds=len(tails), withheld=None)


def expected(id: str) -> Expectation:
    return expectation_of(ASSIGNMENT.configuration(id), PROFILE, CALIBRATION, ASSIGNMENT.gate)


def above(gate: Gate) -> list[float]:
    return [gate.threshold + (gate.passing_mean(5) - gate.threshold) / 3] * 5


def between(gate: Gate) -> list[float]:
    return [(gate.threshold + (gate.threshold - 0.1 if gate.floor is None else gate.floor)) / 2] * 5


def torn(gate: Gate) -> list[float]:
    return [gate.threshold + offset for offset in (-0.03, 0.03, -0.03, 0.03, 0.02)]


@pytest.mark.parametrize(
    ("id", "place", "where"),
    [
        ("Q2-1-skips", above, "above the boundary, but by less than chance makes"),
        ("Q2-1-skips", between, "between: weaker than the right submissions"),
        ("Q1-1", above, "less than chance makes"),
        ("Q1-1", torn, "the seeds disagree"),
        ("Q1-1", lambda _: [0.95], "one alone decides nothing"),
        ("Q1-8", between, "between"),
    ],
)
def test_what_a_person_needs(id: str, place: Callable[[Gate], list[float]], where: str) -> None:
    gate = expected(id).gate
    tails = place(gate)
    outcome = judged(id, *tails)
    assert outcome.verdict == "REVIEW"
    mean, count = sum(tails) / len(tails), len(tails)
    assert f"{mean:.4f} in the mean of {count} seed" in outcome.reason
    needed = float(re.search(r"PASS needs (0\.\d{4})", outcome.reason)[1])
    assert "99 to 1" in outcome.reason
    assert where in outcome.reason
    assert re.search(r"Look at its learning curves .* and at [\w., ]+\.py", outcome.reason)
    failing = re.search(r"FAIL begins below (0\.\d{4})", outcome.reason)
    assert (failing is None) == (gate.floor is None) == ("No number fails it" in outcome.reason)
    # Trainings that all lie there are decided so.
    if count > 1:
        assert judged(id, *[needed + 1e-4] * count).verdict == "PASS"
        assert judged(id, *[needed - 2e-4] * count).verdict == "REVIEW"
    if count > 1 and failing is not None:
        assert float(failing[1]) < needed
        assert judged(id, *[float(failing[1]) - 1e-4] * count).verdict == "FAIL"
        assert judged(id, *[float(failing[1]) + 2e-4] * count).verdict == "REVIEW"


def test_a_pass_over_a_weak_threshold_must_have_learned() -> None:
    """The reference's first epoch lies above the threshold of Q2-1-no-skips."""
    first = CALIBRATION["Q2-1-no-skips"].metrics["miou_reported"].initial_mean
    stopped = judged("Q2-1-no-skips", *[first + n / 1e5 for n in range(5)], initial=first)
    assert stopped.verdict == "REVIEW"
    assert "above its own first epoch" in stopped.reason
    assert stopped.credit == 1
    assert judged("Q2-1-no-skips", *[first] * 2, initial=first - 0.05).verdict == "PASS"
    # A gate that tells by itself asks for nothing more.
    assert judged("Q1-1", 0.86, 0.86, initial=0.86).verdict == "PASS"


def test_every_design_that_was_measured_learned_enough() -> None:
    measured = CALIBRATION["Q2-1-no-skips"]
    assert measured.least_progress is not None
    assert measured.least_progress > 0
    expectation = expectation_of(
        ASSIGNMENT.configuration("Q2-1-no-skips"), PROFILE, {"Q2-1-no-skips": measured}, ASSIGNMENT.gate
    )
    assert expectation.power is not None
    assert expectation.power.least_gain == measured.least_progress / 2
    without = {"Q2-1-no-skips": replace(measured, least_progress=None)}
    free = expectation_of(ASSIGNMENT.configuration("Q2-1-no-skips"), PROFILE, without, ASSIGNMENT.gate)
    assert free.power is not None
    assert free.power.least_gain is None
