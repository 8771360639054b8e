"""From required tests and trainings to PASS, FAIL, REVIEW or INCOMPLETE."""

import math
from collections.abc import Iterable
from dataclasses import replace

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.verdicts.expectation import Expectation
from grading.verdicts.gate import Decision
from grading.verdicts.outcome import Outcome
from grading.verdicts.stopping import distinct_tails, first_failure
from grading.verdicts.undecided import undecided, where_to_look


def judge(
    configuration: Configuration,
    runs: Iterable[Run],
    expectation: Expectation,
    *,
    seeds: int,
    withheld: str | None,
    failed_test: Checked | None = None,
) -> Outcome:
    """The verdict on one configuration. A failed test or training decides before any statistics.

    Args:
        runs: the trainings that have ended, finished or failed.
        seeds: the most trainings that there may be.
        withheld: why this run gives no verdict (it is a trial, or something is missing); None if it gives one.
        failed_test: the first test that the configuration requires and that did not pass; None if all passed.
    """
    by_seed = sorted((run for run in runs if run.seed < seeds), key=lambda run: run.seed)
    outcome = Outcome(configuration, "INCOMPLETE", "", tuple(by_seed), expectation)
    if failed_test is not None:
        return _by_failed_test(outcome, failed_test)
    if (failed_run := first_failure(outcome.runs)) is not None:
        return _by_failed_training(outcome, failed_run)
    if withheld:
        return replace(outcome, reason=f"no verdict: {withheld}")
    if expectation.misfit is not None:
        return _by_a_person(outcome, min(seeds, expectation.gate.rule.fewest_seeds))
    if not expectation.calibrated:
        return _by_published_figure(outcome, seeds)
    return _by_gate(outcome, seeds)


def _by_failed_test(outcome: Outcome, test: Checked) -> Outcome:
    """FAIL, or INCOMPLETE if the grader is at fault."""
    verdict = "INCOMPLETE" if test.outcome == "GRADER_ERROR" else "FAIL"
    return replace(outcome, verdict=verdict, reason=f"{test.id}: {test.outcome}\n{test.message}")


def _by_failed_training(outcome: Outcome, failed: Run) -> Outcome:
    """FAIL, or INCOMPLETE if the grader is at fault. Trainings of later seeds do not matter any more."""
    verdict = "INCOMPLETE" if failed.kind == "GRADER_ERROR" else "FAIL"
    kind = "" if failed.kind == "FAIL" else f"{failed.kind}: "
    runs = tuple(run for run in outcome.runs if run.seed <= failed.seed)
    return replace(outcome, verdict=verdict, reason=f"seed {failed.seed}: {kind}{failed.failure}", runs=runs)


def _by_a_person(outcome: Outcome, seeds: int) -> Outcome:
    """REVIEW: nobody has measured what a right submission reaches here, and no published figure applies."""
    if len(outcome.runs) < seeds:
        return _unfinished(outcome, seeds)
    reason = (
        f"{_mean_tail(outcome)}, and no number to compare it with ({outcome.expectation.misfit}). "
        f"Whoever grades decides. {where_to_look(outcome.configuration)}"
    )
    return replace(outcome, verdict="REVIEW", reason=reason)


def _by_published_figure(outcome: Outcome, seeds: int) -> Outcome:
    """PASS or REVIEW: one best epoch of one training says too little to fail anyone."""
    if len(outcome.runs) < seeds:
        return _unfinished(outcome, seeds)
    tail, threshold = outcome.mean("tail"), outcome.gate.threshold
    if tail >= threshold:
        return replace(outcome, verdict="PASS", reason=f"{tail:.4f} reaches {threshold:.4f}")
    reason = (
        f"{tail:.4f} is below {threshold:.4f}, the published figure less a margin: only a calibration of this profile "
        f"can decide. {where_to_look(outcome.configuration)}"
    )
    return replace(outcome, verdict="REVIEW", reason=reason)


def _by_gate(outcome: Outcome, seeds: int) -> Outcome:
    """PASS, FAIL or REVIEW by the gate."""
    tails = distinct_tails(outcome.runs, outcome.configuration.metric)
    decision = outcome.gate.decide(tails)
    if decision.verdict is None and len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} trainings are finished, and undecided")
    verdict, reason = _verdict_and_reason(outcome, tails, decision)
    if None in tails:
        repeated = "Some trainings repeat others in every metric, and count once: does the code set a seed of its own?"
        reason = f"{reason.rstrip('.')}. {repeated}"
    return replace(outcome, verdict=verdict, reason=reason)


def _verdict_and_reason(outcome: Outcome, tails: list[float | None], decision: Decision) -> tuple[str, str]:
    """What a decision of the gate means for the configuration."""
    if decision.verdict == "PASS":
        reason = _above_threshold(outcome, tails)
        stopped_learning = _stopped_learning(outcome)
        return ("PASS", reason) if stopped_learning is None else ("REVIEW", f"{reason}. {stopped_learning}")
    if decision.verdict == "FAIL":
        boundary = ", what right submissions of nearly any design reach" if outcome.configuration.free else ""
        return "FAIL", f"{_mean_tail(outcome)} lies below {outcome.gate.floor:.4f}{boundary}"
    return "REVIEW", undecided(outcome, tails, decision)


def _above_threshold(outcome: Outcome, tails: list[float | None]) -> str:
    """What passes: the mean or, if an outlier pulls it down, all seeds but that one."""
    threshold = outcome.gate.threshold
    boundary = f"{threshold:.4f}, {outcome.expectation.boundary}"
    if outcome.mean("tail") > threshold:
        return f"{_mean_tail(outcome)} lies above {boundary}"
    distinct = [tail for tail in tails if tail is not None]
    above, most = sum(tail > threshold for tail in distinct), math.exp(outcome.gate.rule.clip)
    return (
        f"{above} of {len(distinct)} seeds lie above {boundary}; {_mean_tail(outcome)} does not, but no single "
        f"training counts for more than {most:.0f} to 1"
    )


def _stopped_learning(outcome: Outcome) -> str | None:
    """Why a tail that passes may still come from a network that learned nothing after its first epoch."""
    power, gain = outcome.expectation.power, outcome.mean("tail") - outcome.mean("initial")
    if power is None or power.least_gain is None or gain >= power.least_gain:
        return None
    return (
        f"But it lies only {gain:+.4f} above its own first epoch, and every right submission that was measured gained "
        f"twice {power.least_gain:.4f}: did it stop learning? {where_to_look(outcome.configuration)}"
    )


def _unfinished(outcome: Outcome, seeds: int) -> Outcome:
    """INCOMPLETE: some of the needed trainings have not ended."""
    return replace(outcome, reason=f"{len(outcome.runs)} of {_count_of_seeds(seeds)} are finished")


def _mean_tail(outcome: Outcome) -> str:
    return f"{outcome.mean('tail'):.4f} in the mean of {_count_of_seeds(len(outcome.runs))}"


def _count_of_seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"
