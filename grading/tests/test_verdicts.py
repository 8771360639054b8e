"""The rule that turns trainings into a verdict."""

from dataclasses import replace

import pytest

from grading.assignment import read_assignment
from grading.calibrated import Measured, Spread
from grading.journal import Run
from grading.suite import Checked
from grading.verdicts import judge, relations

ASSIGNMENT = read_assignment()
CONFIGURATION = ASSIGNMENT.configuration("Q1-1")
PROFILE = replace(ASSIGNMENT.profiles["mini"], margin=0.03)
CALIBRATION = {
    c.id: Measured(10, 5.0, {m: Spread(0.8, 0.01, 0.82, 0.6) for m in ("accuracy", "miou_reported", "miou_standard")})
    for c in ASSIGNMENT.configurations
}


def run(
    seed: int, values: list[float], configuration: str = "Q1-1", failure: str | None = None, kind: str = "FAIL"
) -> Run:
    history = tuple({"epoch": n, "loss": 1.0, "accuracy": v} for n, v in enumerate(values, start=1))
    return Run(configuration, seed, history, 1.0, "FINISHED" if failure is None else kind, failure)


def verdict(*runs: Run, seeds: int = 2, withheld: str | None = None, calibration=CALIBRATION) -> str:
    return judge(CONFIGURATION, runs, PROFILE, calibration, seeds=seeds, withheld=withheld).verdict


def test_tail_is_the_last_fifth() -> None:
    assert run(0, [0.0] * 8 + [0.5, 0.7]).tail("accuracy") == pytest.approx(0.6)
    assert run(0, [0.1, 0.4]).tail("accuracy") == pytest.approx(0.4)


@pytest.mark.parametrize(("tails", "wanted"), [((0.79, 0.79), "PASS"), ((0.60, 0.94), "PASS"), ((0.76, 0.77), "FAIL")])
def test_the_mean_over_seeds_decides(tails: tuple[float, float], wanted: str) -> None:
    assert verdict(*(run(seed, [tail]) for seed, tail in enumerate(tails))) == wanted


def test_a_wide_spread_widens_the_margin() -> None:
    wide = {"Q1-1": Measured(10, 5.0, {"accuracy": Spread(0.8, 0.04, 0.82, 0.6)})}
    runs = (run(0, [0.72]), run(1, [0.73]))
    assert verdict(*runs, calibration=wide) == "PASS"
    assert verdict(*runs) == "FAIL"
    assert verdict(run(0, [0.70]), run(1, [0.71]), calibration=wide) == "FAIL"


def test_a_missing_training_is_incomplete() -> None:
    assert verdict(run(0, [0.9])) == "INCOMPLETE"


def test_a_trial_is_incomplete_however_good() -> None:
    assert verdict(run(0, [0.9]), run(1, [0.9]), withheld="a trial with --epochs 1") == "INCOMPLETE"


def test_a_failed_training_fails_with_its_reason() -> None:
    outcome = judge(CONFIGURATION, (run(0, [], failure="ValueError: no"),), PROFILE, None, seeds=1, withheld=None)
    assert outcome.verdict == "FAIL"
    assert "ValueError: no" in outcome.reason


def test_a_grader_error_is_no_grade() -> None:
    outcome = judge(
        CONFIGURATION, (run(0, [], failure="no", kind="GRADER_ERROR"),), PROFILE, None, seeds=1, withheld=None
    )
    assert outcome.verdict == "INCOMPLETE"
    assert "GRADER_ERROR" in outcome.reason


@pytest.mark.parametrize(("kind", "wanted"), [("FAIL", "FAIL"), ("CRASH", "FAIL"), ("GRADER_ERROR", "INCOMPLETE")])
def test_a_broken_structure_decides_before_any_training(kind: str, wanted: str) -> None:
    broken = Checked("tests/test_transfer.py::test_x", "Q1-1", kind, "asked: this")
    outcome = judge(CONFIGURATION, (), PROFILE, CALIBRATION, seeds=2, withheld=None, broken=broken)
    assert outcome.verdict == wanted
    assert "asked: this" in outcome.reason


def test_nan_fails() -> None:
    assert verdict(run(0, [float("nan")]), run(1, [0.9])) == "FAIL"


def test_without_a_calibration_the_published_figure_is_expected() -> None:
    outcome = judge(CONFIGURATION, (run(0, [0.9]),), PROFILE, None, seeds=1, withheld=None)
    assert outcome.expected == CONFIGURATION.published["accuracy"]["best"]
    assert "published" in outcome.basis


@pytest.mark.parametrize(
    ("better", "worse", "wanted"),
    [(0.85, 0.80, "supported"), (0.80, 0.85, "contradicted"), (0.81, 0.80, "undetermined")],
)
def test_relations(better: float, worse: float, wanted: str) -> None:
    outcomes = {
        id: judge(ASSIGNMENT.configuration(id), (run(0, [tail], id),), PROFILE, CALIBRATION, seeds=1, withheld=None)
        for id, tail in (("Q1-2", better), ("Q1-1", worse))
    }
    (outcome,) = relations(ASSIGNMENT, outcomes, CALIBRATION)
    assert outcome.relation.id == "fine-tuned > feature extractor"
    assert outcome.verdict == wanted
    assert outcome.difference == pytest.approx(better - worse)
