"""The shipped sequential rule: how often it is wrong, and how many trainings it takes."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.assignment.assignment import Configuration, read_assignment
from grading.assignment.calibration import read_calibration
from grading.verdicts.expectation import expectation_of
from grading.verdicts.gate import Gate, sd_upper_bound, tolerance_bound

ASSIGNMENT = read_assignment()
RULE = ASSIGNMENT.gate
MINI = ASSIGNMENT.profiles["mini"]
MEAN = 0.88
SIMULATIONS = 20_000


def gate(sd: float, task: str = "classification") -> Gate:
    margin = max(RULE.margin[task], RULE.sds * sd)
    return Gate(MEAN - margin / 2, MEAN - margin / 2, sd, margin, RULE, RULE.most_seeds)


def simulated(
    rule: Gate, mean: float, sd: float, seed: int = 0, pictures: float = 0.0
) -> tuple[dict[str | None, float], float]:
    """Shares of verdicts for tails from a normal distribution, and the mean number of trainings.

    Args:
        pictures: the part of `sd` that comes from the choice of secret pictures, shared by all trainings of a grading.
    """
    generator = np.random.default_rng(seed)
    draws = generator.normal(mean, math.sqrt(sd**2 - pictures**2), (SIMULATIONS, rule.most_seeds))
    draws += generator.normal(0, pictures, (SIMULATIONS, 1))
    decisions = [rule.decide(tails) for tails in draws.tolist()]
    counts = Counter(decision.verdict for decision in decisions)
    shares = {verdict: counts[verdict] / SIMULATIONS for verdict in ("PASS", "FAIL", None)}
    return shares, sum(decision.seeds for decision in decisions) / SIMULATIONS


@pytest.mark.parametrize("sd", [0.006, 0.008, 0.010])
def test_a_right_submission_is_hardly_ever_failed_and_a_wrong_one_hardly_ever_passed(sd: float) -> None:
    right, seeds = simulated(gate(sd), MEAN, sd)
    assert right["FAIL"] <= 0.015
    assert right["PASS"] >= 0.98
    assert seeds < 2.5
    assert simulated(gate(sd), MEAN - 0.03, sd)[0]["PASS"] < 0.02
    assert simulated(gate(sd), MEAN - 0.04, sd)[0]["PASS"] == pytest.approx(0, abs=5e-4)


@pytest.mark.parametrize("sd", [0.008, 0.010])
def test_pictures_that_all_trainings_share_change_little(sd: float) -> None:
    """The choice of 2,800 faces has a standard deviation of at most 0.007, which no mean of trainings reduces."""
    assert simulated(gate(sd), MEAN, sd, pictures=0.007)[0]["FAIL"] <= 0.015
    assert simulated(gate(sd), MEAN - 0.04, sd, pictures=0.007)[0]["PASS"] <= 0.005


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_the_rule_holds_if_the_spread_is_as_large_as_its_upper_bound(task: str) -> None:
    """20 seeds leave a standard deviation uncertain by a third."""
    for sd in (0.006, 0.015, 0.08):
        truth = sd_upper_bound(sd, 20, 0.95)
        rule = gate(sd, task)
        assert simulated(rule, MEAN, truth)[0]["FAIL"] <= 0.015
        assert simulated(rule, MEAN - rule.margin, truth)[0]["PASS"] <= 0.015


def test_a_naive_rule_fails_many_right_submissions() -> None:
    """One best epoch against the published one: both are one draw of the same distribution, in steps of 1/400."""
    generator = np.random.default_rng(1)
    best, published = np.round(generator.normal(MEAN, 0.010, (2, SIMULATIONS, 6)) * 400)
    failed = best < published
    assert 0.40 < failed.mean() < 0.50
    assert (~failed).all(axis=1).mean() < 0.04
    right, _ = simulated(gate(0.010), MEAN, 0.010)
    assert right["PASS"] ** 6 > 0.9


@pytest.mark.parametrize("configuration", ASSIGNMENT.configurations, ids=lambda c: c.id)
def test_the_shipped_gates_decide_the_reference_in_a_few_trainings(configuration: Configuration) -> None:
    calibration = read_calibration("mini")
    assert calibration is not None
    measured = calibration[configuration.id]
    spread = measured.metrics[configuration.metric]
    expectation = expectation_of(configuration, MINI, calibration, RULE)
    sd = max(spread.tail_sd, 0.001)
    shares, seeds = simulated(expectation.gate, expectation.tail, sd, pictures=min(sd, 0.007))
    assert shares["FAIL"] <= 0.002 + 2 * math.sqrt(0.002 / SIMULATIONS)  # two standard errors of the simulation
    assert shares["PASS"] >= 0.98
    assert seeds < (2.6 if configuration.sds is None else 3.6)
    # The measured tails in any order, and the upper bound of the spread.
    generator = np.random.default_rng(2)
    tails = [generator.permutation(measured.tails)[: expectation.gate.most_seeds].tolist() for _ in range(2000)]
    assert sum(expectation.gate.decide(sample).verdict == "FAIL" for sample in tails) <= 0.002 * len(tails)
    assert simulated(expectation.gate, expectation.tail, max(spread.tail_sd_upper, 0.001))[0]["FAIL"] <= 0.015


@pytest.mark.parametrize("configuration", ASSIGNMENT.configurations, ids=lambda c: c.id)
def test_a_gate_that_lets_one_epoch_pass_is_called_weak(configuration: Configuration) -> None:
    """Weak: the first epochs of the reference pass. docs/verdicts.md lists these gates."""
    calibration = read_calibration("mini")
    assert calibration is not None
    expectation = expectation_of(configuration, MINI, calibration, RULE)
    initial = calibration[configuration.id].metrics[configuration.metric].initial_mean
    passing = simulated(expectation.gate, initial, expectation.gate.sd)[0]["PASS"]
    assert expectation.power is not None
    assert expectation.power.at_first_epoch == pytest.approx(passing, abs=0.03)
    assert expectation.power.is_weak == (configuration.id in ("Q1-8", "Q2-1-no-skips"))
    assert ("says little" in str(expectation.power)) == expectation.power.is_weak


@pytest.mark.parametrize(("id", "wrong"), [("Q1-3", 0.54)])
def test_more_seeds_separate_better_if_the_spread_is_wide(id: str, wrong: float) -> None:
    """With the usual margin of four standard deviations and five seeds, a fifth of such submissions would pass."""
    calibration = read_calibration("mini")
    assert calibration is not None
    gate = expectation_of(ASSIGNMENT.configuration(id), MINI, calibration, RULE).gate
    assert simulated(gate, wrong, gate.sd)[0]["PASS"] < 0.04
    usual = replace(ASSIGNMENT.configuration(id), sds=None, most_seeds=None)
    assert simulated(expectation_of(usual, MINI, calibration, RULE).gate, wrong, gate.sd)[0]["PASS"] > 0.2


@given(st.lists(st.floats(0, 1), max_size=1), st.sampled_from([0.006, 0.05]))
def test_no_single_training_decides(tails: list[float], sd: float) -> None:
    assert gate(sd).decide(tails).verdict is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_later_trainings_change_no_decision(tails: list[float]) -> None:
    """A run that was interrupted, or had more seeds than it needed, has the same verdict."""
    decision = gate(0.01).decide(tails)
    if decision.verdict is not None:
        assert gate(0.01).decide(tails[: decision.seeds]) == decision
        assert gate(0.01).decide(tails[: decision.seeds - 1]).verdict is None


def test_repeated_trainings_and_nan_never_pass() -> None:
    assert gate(0.01).decide([0.95, None, None, None, None]).verdict is None
    assert gate(0.01).decide([float("nan")] * 2).verdict == "FAIL"


def test_between_floor_and_threshold_a_person_decides() -> None:
    wide = Gate(0.40, 0.30, 0.01, 0.04, RULE, 5)
    assert wide.decide([0.45] * 5).verdict == "PASS"
    assert wide.decide([0.35] * 5).verdict is None
    assert wide.decide([0.25] * 5).verdict == "FAIL"
    assert Gate(0.40, None, 0.01, 0.04, RULE, 5).decide([0.0] * 5).verdict is None


@pytest.mark.parametrize(("count", "factor"), [(10, 3.981), (15, 3.520), (30, 3.064)])
def test_tolerance_bound_against_the_table(count: int, factor: float) -> None:
    """k for 99 % of the population with 95 % confidence: NBS Handbook 91, table A-7. The approximation is 4 % off."""
    values = np.random.default_rng(0).normal(size=count)
    values = (values - values.mean()) / values.std(ddof=1)
    assert tolerance_bound(values.tolist(), 0.99, 0.95) == pytest.approx(-factor, rel=0.045)


@pytest.mark.parametrize(("seeds", "factor"), [(10, math.sqrt(9 / 3.325)), (20, math.sqrt(19 / 10.117))])
def test_upper_bound_of_a_standard_deviation_against_the_table(seeds: int, factor: float) -> None:
    assert sd_upper_bound(0.01, seeds, 0.95) == pytest.approx(0.01 * factor, rel=0.01)
