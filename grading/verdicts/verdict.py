"""From required tests and trainings to PASS, FAIL, REVIEW or INCOMPLETE."""

from collections.abc import Iterable
from dataclasses import replace

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.verdicts.expectation import Expectation
from grading.verdicts.outcome import Outcome
from grading.verdicts.stopping import distinct_tails, first_failure
from grading.verdicts.undecided import look_at, undecided


def judge(
    configuration: Configuration,
    runs: Iterable[Run],
    expectation: Expectation,
    *,
    seeds: int,
    withheld: str | None,
    broken: Checked | None = None,
) -> Outcome:
    """The verdict on one configuration; what is seen exactly decides before any statistics.

    Args:
        runs: the trainings that were run, finished or failed.
        seeds: how many trainings there may be.
        withheld: why no verdict is to be given (trials, limits); None if one is.
        broken: a test that the configuration requires, and that did not pass.
    """
    done = tuple(sorted((run for run in runs if run.seed < seeds), key=lambda run: run.seed))
    outcome = Outcome(configuration, "INCOMPLETE", "", done, expectation)
    if (exact := _seen_exactly(outcome, broken)) is not None:
        return exact
    if withheld:
        return replace(outcome, reason=f"no verdict: {withheld}")
    if expectation.misfit is not None:
        return _without_numbers(outcome, min(seeds, expectation.gate.rule.fewest_seeds))
    if not expectation.calibrated:
        return _against_the_published(outcome, seeds)
    return _by_numbers(outcome, seeds)


def _seen_exactly(outcome: Outcome, broken: Checked | None) -> Outcome | None:
    """FAIL, or INCOMPLETE by the grader's own fault, if a required test or a training did not end as it must."""
    if broken is not None:
        verdict = "INCOMPLETE" if broken.outcome == "GRADER_ERROR" else "FAIL"
        return replace(outcome, verdict=verdict, reason=f"{broken.id}: {broken.outcome}\n{broken.message}")
    failed = first_failure(outcome.runs)
    if failed is None:
        return None
    verdict = "INCOMPLETE" if failed.kind == "GRADER_ERROR" else "FAIL"
    kind = "" if failed.kind == "FAIL" else f"{failed.kind}: "
    own = tuple(run for run in outcome.runs if run.seed <= failed.seed)
    return replace(outcome, verdict=verdict, reason=f"seed {failed.seed}: {kind}{failed.failure}", runs=own)


def _by_numbers(outcome: Outcome, seeds: int) -> Outcome:
    """PASS, FAIL or REVIEW by the gate."""
    gate, tails = outcome.gate, distinct_tails(outcome.runs, outcome.configuration.metric)
    decision = gate.decide(tails)
    if decision.verdict is None and len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} trainings are finished, and undecided")
    verdict = decision.verdict or "REVIEW"
    mean = f"{outcome.mean('tail'):.4f} in the mean of {_seeds(len(outcome.runs))}"
    if verdict == "PASS":
        reason = f"{mean} lies above {gate.threshold:.4f}, {outcome.expectation.boundary}"
        if stopped := _stopped_learning(outcome):
            verdict, reason = "REVIEW", f"{reason}. {stopped}"
    elif verdict == "FAIL":
        free = ", what right submissions of nearly any design reach" if outcome.configuration.free else ""
        reason = f"{mean} lies below {gate.floor:.4f}{free}"
    else:
        reason = undecided(outcome, tails, decision)
    if tails.count(None):
        repeated = "Some trainings repeat others in every metric, and count once: does the code set a seed of its own?"
        reason = f"{reason.rstrip('.')}. {repeated}"
    return replace(outcome, verdict=verdict, reason=reason)


def _stopped_learning(outcome: Outcome) -> str | None:
    """Why a tail that passes may still come from a network that learned nothing after its first epoch."""
    power, gain = outcome.expectation.power, outcome.mean("tail") - outcome.mean("initial")
    if power is None or power.least_gain is None or gain >= power.least_gain:
        return None
    return (
        f"But it lies only {gain:+.4f} above its own first epoch, and every right submission that was measured gained "
        f"twice {power.least_gain:.4f}: did it stop learning? {look_at(outcome.configuration)}"
    )


def _without_numbers(outcome: Outcome, seeds: int) -> Outcome:
    """Nobody has measured what a right submission reaches here, and the published figures are of another experiment."""
    if len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} of {_seeds(seeds)} are finished")
    reason = (
        f"{outcome.mean('tail'):.4f} in the mean of {_seeds(len(outcome.runs))}, and no number to hold it against: "
        f"{outcome.expectation.misfit}. Until then a person decides. {look_at(outcome.configuration)}"
    )
    return replace(outcome, verdict="REVIEW", reason=reason)


def _against_the_published(outcome: Outcome, seeds: int) -> Outcome:
    """One best epoch of one run says too little to fail anyone."""
    if len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} of {_seeds(seeds)} are finished")
    tail, threshold = outcome.mean("tail"), outcome.gate.threshold
    if tail >= threshold:
        return replace(outcome, verdict="PASS", reason=f"{tail:.4f} reaches {threshold:.4f}")
    reason = (
        f"{tail:.4f} is below {threshold:.4f}, the published figure less a margin; calibrate this profile to have it "
        f"decided. {look_at(outcome.configuration)}"
    )
    return replace(outcome, verdict="REVIEW", reason=reason)


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"
