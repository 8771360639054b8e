"""A REVIEW tells a person what PASS needs, where FAIL begins, where the submission is, and what to look at."""

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


def judge_tails(id: str, *tails: float, initial: float = 0.0) -> Outcome:
    """The verdict on trainings of two epochs each, the last of which is the tail."""
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


def scattered(gate: Gate) -> list[float]:
    return [gate.threshold + offset for offset in (-0.03, 0.03, -0.03, 0.03, 0.02)]


@pytest.mark.parametrize(
    ("id", "place", "where"),
    [
        ("Q2-1-skips", above, "above the boundary, but by no more than chance can explain"),
        ("Q2-1-skips", between, "between: weaker than the right submissions"),
        ("Q1-1", above, "no more than chance can explain"),
        ("Q1-1", scattered, "the seeds disagree"),
        ("Q1-1", lambda _: [0.95], "one alone decides nothing"),
        ("Q1-8", between, "between"),
    ],
)
def test_a_review_says_what_a_person_needs(id: str, place: Callable[[Gate], list[float]], where: str) -> None:
    gate = expected(id).gate
    tails = place(gate)
    outcome = judge_tails(id, *tails)
    assert outcome.verdict == "REVIEW"
    assert f"{sum(tails) / len(tails):.4f} in the mean of {len(tails)} seed" in outcome.reason
    assert "99 to 1" in outcome.reason
    assert where in outcome.reason
    assert re.search(r"Look at its learning curves .* and at [\w., ]+\.py", outcome.reason)
    assert (gate.floor is None) == ("No number fails it" in outcome.reason)
    expect_boundaries(id, outcome.reason, len(tails))


def expect_boundaries(id: str, reason: str, count: int) -> None:
    """PASS and FAIL begin at the values that the reason names, if all trainings have them."""
    passing, failing = figure_after("PASS needs", reason), figure_after("FAIL begins below", reason)
    assert passing is not None
    assert (failing is None) == (expected(id).gate.floor is None)
    if count == 1:
        return
    assert judge_tails(id, *[passing + 1e-4] * count).verdict == "PASS"
    assert judge_tails(id, *[passing - 2e-4] * count).verdict == "REVIEW"
    if failing is not None:
        assert failing < passing
        assert judge_tails(id, *[failing - 1e-4] * count).verdict == "FAIL"
        assert judge_tails(id, *[failing + 2e-4] * count).verdict == "REVIEW"


def figure_after(phrase: str, reason: str) -> float | None:
    figure = re.search(rf"{phrase} (0\.\d{{4}})", reason)
    return None if figure is None else float(figure[1])


def test_a_pass_over_a_weak_threshold_must_have_learned() -> None:
    """The reference's first epoch is above the threshold of Q2-1-no-skips."""
    first = CALIBRATION["Q2-1-no-skips"].metrics["miou_reported"].initial_mean
    untrained = judge_tails("Q2-1-no-skips", *[first + n / 1e5 for n in range(5)], initial=first)
    assert untrained.verdict == "REVIEW"
    assert "above its own first epoch" in untrained.reason
    assert untrained.credit == 1
    assert judge_tails("Q2-1-no-skips", *[first] * 2, initial=first - 0.05).verdict == "PASS"
    # A gate that is not weak needs no such progress.
    assert judge_tails("Q1-1", 0.86, 0.86, initial=0.86).verdict == "PASS"


def test_a_pass_needs_half_the_least_progress_of_all_designs() -> None:
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
