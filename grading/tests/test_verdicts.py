"""`judge` turns trainings into a verdict."""

from dataclasses import replace

import pytest

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import read_assignment
from grading.assignment.calibration import Measured, Spread
from grading.assignment.training_record import Run
from grading.protocol.finding import Finding
from grading.verdicts.expectation import Expectation, expectation_of
from grading.verdicts.outcome import Outcome, distrust
from grading.verdicts.stopping import needed_seeds
from grading.verdicts.verdict import judge

ASSIGNMENT = read_assignment()
RULE = ASSIGNMENT.gate
CONFIGURATION = ASSIGNMENT.configuration("Q1-1")
PROFILE = replace(ASSIGNMENT.profiles["mini"], margin=0.05)
SPREAD = Spread(0.8, 0.01, 0.0137, 0.82, 0.6)
METRICS = ("accuracy", "miou_reported", "miou_standard")
CALIBRATION = {
    c.id: Measured(20, 5.0, dict.fromkeys(METRICS, SPREAD), (), {}, {}, {}) for c in ASSIGNMENT.configurations
}
EXPECTED = expectation_of(CONFIGURATION, PROFILE, CALIBRATION, RULE)


def run(seed: int, values: list[float], failure: str | None = None, kind: str = "FAIL") -> Run:
    history = tuple({"epoch": n, "loss": 1.0, "other": seed, "accuracy": v} for n, v in enumerate(values, start=1))
    return Run("Q1-1", seed, history, 1.0, "FINISHED" if failure is None else kind, failure)


def judge_runs(*runs: Run, seeds: int = 5, withheld: str | None = None, expected: Expectation = EXPECTED) -> Outcome:
    return judge(CONFIGURATION, runs, expected, seeds=seeds, withheld=withheld)


def tails(*values: float) -> list[Run]:
    return [run(seed, [value]) for seed, value in enumerate(values)]


def test_tail_is_the_last_fifth() -> None:
    assert run(0, [0.0] * 8 + [0.5, 0.7]).tail("accuracy") == pytest.approx(0.6)
    assert run(0, [0.1, 0.4]).tail("accuracy") == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((0.80, 0.80), "PASS"),
        ((0.79, 0.81), "PASS"),
        ((0.70, 0.71), "FAIL"),
        ((0.781, 0.779, 0.78, 0.78, 0.78), "REVIEW"),
        ((0.70, 0.80, 0.70, 0.80, 0.80), "REVIEW"),
        ((0.70, 0.70, 0.80, 0.80, 0.80), "FAIL"),
    ],
)
def test_trainings_decide_together(values: tuple[float, ...], verdict: str) -> None:
    outcome = judge_runs(*tails(*values))
    assert outcome.verdict == verdict
    assert f"{outcome.tail:.4f}" in outcome.reason


def test_an_outlier_that_pulls_the_mean_down_is_named() -> None:
    """The mean of seeds that pass can lie below the threshold: what one training says is clipped."""
    outcome = judge_runs(*tails(0.20, 0.81, 0.81, 0.81))
    assert outcome.verdict == "PASS"
    assert outcome.mean("tail") < outcome.gate.threshold
    assert outcome.reason.startswith(f"3 of 4 seeds lie above {outcome.gate.threshold:.4f}, ")
    assert "no single training counts for more than 55 to 1" in outcome.reason


def test_one_training_decides_nothing() -> None:
    assert judge_runs(*tails(0.9)).verdict == "INCOMPLETE"
    assert judge_runs(*tails(0.9), seeds=1).verdict == "REVIEW"


def test_trainings_that_repeat_each_other_count_once() -> None:
    same = [replace(run(0, [0.9]), seed=seed) for seed in range(5)]
    # A submission reports its loss itself: another loss makes no other training.
    with_other_losses = [replace(r, history=({**r.history[0], "loss": 1.0 + r.seed},)) for r in same]
    for runs in (same, with_other_losses):
        outcome = judge_runs(*runs)
        assert outcome.verdict == "REVIEW"
        assert "seed of its own" in outcome.reason


def test_a_trial_is_incomplete_however_good() -> None:
    assert judge_runs(*tails(0.9, 0.9), withheld="a trial with --epochs 1").verdict == "INCOMPLETE"


def test_a_failed_training_fails_with_its_reason() -> None:
    outcome = judge_runs(run(0, [], failure="ValueError: no"), run(1, [0.9]))
    assert outcome.verdict == "FAIL"
    assert "ValueError: no" in outcome.reason
    assert [training.seed for training in outcome.runs] == [0]


def test_a_grader_error_is_no_grade() -> None:
    outcome = judge_runs(run(0, [], failure="no", kind="GRADER_ERROR"))
    assert outcome.verdict == "INCOMPLETE"
    assert "GRADER_ERROR" in outcome.reason


@pytest.mark.parametrize(("kind", "wanted"), [("FAIL", "FAIL"), ("CRASH", "FAIL"), ("GRADER_ERROR", "INCOMPLETE")])
def test_a_required_test_that_failed_decides_before_any_training(kind: str, wanted: str) -> None:
    broken = Checked("tests/test_transfer.py::test_x", "Q1-1", kind, Finding(asked="this"))
    outcome = judge(CONFIGURATION, (), EXPECTED, seeds=2, withheld=None, failed_test=broken)
    assert outcome.verdict == wanted
    assert "asked: this" in outcome.reason


def test_without_a_calibration_nobody_fails_by_numbers() -> None:
    expected = expectation_of(CONFIGURATION, PROFILE, None, RULE)
    assert expected.tail == CONFIGURATION.published["accuracy"]["best"]
    assert expected.gate.threshold == pytest.approx(0.81 - 0.05)
    assert judge_runs(*tails(0.77), seeds=1, expected=expected).verdict == "PASS"
    assert judge_runs(*tails(0.10), seeds=1, expected=expected).verdict == "REVIEW"
    assert judge_runs(run(0, [], failure="no"), seeds=1, expected=expected).verdict == "FAIL"


class TestGates:
    def test_a_fixed_design_has_one_boundary(self) -> None:
        gate = EXPECTED.gate
        assert gate.threshold == gate.floor == pytest.approx(0.78)
        assert gate.margin == pytest.approx(0.04)

    def test_a_wide_spread_widens_the_margin(self) -> None:
        wide = Measured(20, 5.0, {"accuracy": replace(SPREAD, tail_sd=0.04)}, (), {}, {}, {})
        gate = expectation_of(CONFIGURATION, PROFILE, {"Q1-1": wide}, RULE).gate
        assert gate.margin == pytest.approx(0.16)
        assert gate.threshold == pytest.approx(0.72)

    def test_a_threshold_of_the_assignment_is_lowered_from_best_epoch_to_tail(self) -> None:
        gate = expectation_of(ASSIGNMENT.configuration("Q1-8"), PROFILE, CALIBRATION, RULE).gate
        assert gate.threshold == pytest.approx(0.895 - 0.02)

    def test_other_designs_lower_the_threshold_and_the_floor(self) -> None:
        free = ASSIGNMENT.configuration("Q2-1-skips")
        designs = {"fcn-one": 0.75, "fcn-two": 0.80, "fcn-three": 0.78, "fcn-four": 0.77}
        measured = {free.id: replace(CALIBRATION[free.id], designs=designs)}
        expected = expectation_of(free, PROFILE, measured, RULE)
        gate = expected.gate
        assert gate.threshold == pytest.approx(0.75)
        assert gate.floor is not None
        assert gate.floor < gate.threshold
        assert "4 other designs" in expected.basis

    def test_a_free_design_that_nobody_measured_is_never_failed_by_numbers(self) -> None:
        gate = expectation_of(ASSIGNMENT.configuration("Q2-1-skips"), PROFILE, CALIBRATION, RULE).gate
        assert gate.floor is None
        challenger = ASSIGNMENT.configuration("Q1-8")
        half_known = replace(CALIBRATION["Q1-8"], designs={"augmentation-one": 0.8, "augmentation-two": 0.79})
        assert expectation_of(challenger, PROFILE, {"Q1-8": half_known}, RULE).gate.floor is None


class TestNeededSeeds:
    def test_first_as_many_as_can_decide_then_one_by_one(self) -> None:
        def needed(*runs: Run) -> int:
            return len(needed_seeds({training.seed: training for training in runs}, EXPECTED, "accuracy", 5))

        assert needed() == 2
        assert needed(*tails(0.8)) == 2
        assert needed(*tails(0.8, 0.8)) == 2
        assert needed(*tails(0.80, 0.78)) == 3
        assert needed(*tails(0.78, 0.78, 0.78, 0.78, 0.78)) == 5
        assert needed(run(0, [], failure="no")) == 1

    def test_the_order_in_which_trainings_end_does_not_matter(self) -> None:
        late = {1: run(1, [0.8])}
        assert needed_seeds(late, EXPECTED, "accuracy", 5) == range(2)
        spare = {seed: run(seed, [0.8 + seed / 1000]) for seed in range(4)}
        assert needed_seeds(spare, EXPECTED, "accuracy", 5) == range(2)


def test_distrusted_metrics_earn_no_points() -> None:
    passed = judge_runs(*tails(0.8, 0.8))
    assert passed.credit == 1
    doubted = distrust(passed, "it knows the images")
    assert (doubted.verdict, doubted.credit) == ("REVIEW", 0)
    assert "it knows the images" in doubted.reason
    assert distrust(judge_runs(*tails(0.7, 0.7)), "it knows").verdict == "FAIL"
    assert judge_runs(*tails(*[0.78] * 5)).credit == 1
