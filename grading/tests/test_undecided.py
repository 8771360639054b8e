"""A REVIEW says what PASS needs, where FAIL begins, where the submission lies, and what to look at."""

import re
from dataclasses import replace

import pytest

from grading.assignment import read_assignment
from grading.calibrated import read_calibration
from grading.journal import Run
from grading.verdicts import Outcome, expectation_of, judge

ASSIGNMENT = read_assignment()
CALIBRATION = read_calibration("mini") or {}
PROFILE = ASSIGNMENT.profiles["mini"]


def judged(id: str, *tails: float, initial: float = 0.0) -> Outcome:
    """The verdict on five or more trainings of two epochs each."""
    configuration = ASSIGNMENT.configuration(id)
    expectation = expectation_of(configuration, PROFILE, CALIBRATION, ASSIGNMENT.gate)
    runs = [
        Run(
            id,
            seed,
            tuple({"epoch": n, "loss": 1.0 + seed, configuration.metric: v} for n, v in ((1, initial), (2, tail))),
            1.0,
        )
        for seed, tail in enumerate(tails)
    ]
    return judge(configuration, runs, expectation, seeds=len(tails), withheld=None)


@pytest.mark.parametrize(
    ("id", "tails", "where"),
    [
        ("Q2-1-skips", (0.3397, 0.3400, 0.3390, 0.3410, 0.3380), "above the boundary, but by less than chance makes"),
        ("Q2-1-skips", (0.3001, 0.3010, 0.2990, 0.3020, 0.2980), "between: weaker than the right submissions"),
        ("Q1-1", (0.8120, 0.8130, 0.8125, 0.8110, 0.8130), "less than chance makes"),
        ("Q1-1", (0.79, 0.84, 0.79, 0.84, 0.831), "the seeds disagree"),
        ("Q1-1", (0.95,), "one alone decides nothing"),
        ("Q1-8", (0.80, 0.81, 0.82, 0.80, 0.81), "between"),
    ],
)
def test_what_a_person_needs(id: str, tails: tuple[float, ...], where: str) -> None:
    outcome = judged(id, *tails)
    assert outcome.verdict == "REVIEW"
    mean, count = sum(tails) / len(tails), len(tails)
    assert f"{mean:.4f} in the mean of {count} seed" in outcome.reason
    needed = float(re.search(r"PASS needs (0\.\d{4})", outcome.reason)[1])
    assert "99 to 1" in outcome.reason
    assert where in outcome.reason
    assert re.search(r"Look at its learning curves .* and at [\w., ]+\.py", outcome.reason)
    if id == "Q1-8":
        assert "No number fails it" in outcome.reason
    else:
        failing = float(re.search(r"FAIL begins below (0\.\d{4})", outcome.reason)[1])
        assert failing < needed
    # Trainings that all lie there are decided so.
    if count > 1:
        assert judged(id, *[needed + 1e-4] * count).verdict == "PASS"
        assert judged(id, *[needed - 2e-4] * count).verdict == "REVIEW"
        if id != "Q1-8":
            assert judged(id, *[failing - 1e-4] * count).verdict == "FAIL"
            assert judged(id, *[failing + 2e-4] * count).verdict == "REVIEW"


def test_a_pass_over_a_weak_threshold_must_have_learned() -> None:
    """The reference's first epoch lies above the threshold of Q2-1-no-skips."""
    first = CALIBRATION["Q2-1-no-skips"].metrics["miou_reported"].initial_mean
    stopped = judged("Q2-1-no-skips", *[first + n / 1e5 for n in range(5)], initial=first)
    assert stopped.verdict == "REVIEW"
    assert "above its own first epoch" in stopped.reason
    assert stopped.credit == 1
    assert judged("Q2-1-no-skips", *[first] * 2, initial=first - 0.05).verdict == "PASS"
    # A gate that tells by itself asks for nothing more.
    assert judged("Q1-1", 0.84, 0.84, initial=0.84).verdict == "PASS"


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
