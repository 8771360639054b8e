"""The reason of a REVIEW: what PASS needs, where FAIL begins, where the submission lies, and which files to look at."""

import math
from collections.abc import Sequence

from grading.assignment.assignment import Configuration
from grading.verdicts.gate import Decision
from grading.verdicts.outcome import Outcome

# The modules that decide how well a network trains, by the kind of network that the configuration builds.
MODULES_TO_LOOK_AT = {
    "case": ("transfer", "heads", "freezing"),
    "challenger": ("transfer", "augmentation"),
    "fcn8s": ("fcn",),
}


def undecided(outcome: Outcome, tails: Sequence[float | None], decision: Decision) -> str:
    """Why the trainings of a configuration decide nothing, in a few sentences.

    Args:
        tails: by seed, at least one; None for a training that repeats an earlier one.
        decision: of the gate on these tails, without a verdict.
    """
    distinct = [tail for tail in tails if tail is not None]
    mean = sum(distinct) / len(distinct)
    seeds = f"{len(distinct)} seed{'' if len(distinct) == 1 else 's'}"
    sentences = [
        f"Undecided: {mean:.4f} in the mean of {seeds}, {min(distinct):.4f} to {max(distinct):.4f}.",
        f"PASS needs {outcome.gate.passing_mean(len(distinct)):.4f} in the mean of {seeds}: then the odds are "
        f"{outcome.gate.rule.odds:g} to 1 that it lies above {outcome.gate.threshold:.4f}, "
        f"{outcome.expectation.boundary}. Here they are {_odds(decision.log_odds)}.",
        _where_fail_begins(outcome.gate.failing_mean(len(distinct))),
        _where_it_lies(outcome, mean, len(distinct)),
        where_to_look(outcome.configuration),
    ]
    return " ".join(sentences)


def where_to_look(configuration: Configuration) -> str:
    """A sentence that says where a person finds what decides."""
    modules = MODULES_TO_LOOK_AT[str(configuration.network["build"])]
    if configuration.augmentation == "face" and "augmentation" not in modules:
        modules = (*modules, "augmentation")
    files = [f"{module}.py" for module in modules]
    enumeration = files[0] if len(files) == 1 else f"{', '.join(files[:-1])} and {files[-1]}"
    return f"Look at its learning curves in report.html (do they still rise, or jump?) and at {enumeration}."


def _where_fail_begins(failing_mean: float | None) -> str:
    if failing_mean is None:
        return "No number fails it, as too few other designs were measured."
    return f"FAIL begins below {max(failing_mean, 0.0):.4f}."


def _where_it_lies(outcome: Outcome, mean: float, seeds: int) -> str:
    """A sentence that compares the mean tail of so many trainings with the boundaries."""
    gate, failing_mean = outcome.gate, outcome.gate.failing_mean(seeds)
    most_odds = f"{math.exp(gate.rule.clip):.0f} to 1 at most"
    if seeds < gate.rule.fewest_seeds:
        return f"One training counts for {most_odds}, so one alone decides nothing."
    if mean >= gate.passing_mean(seeds) or (failing_mean is not None and mean <= failing_mean):
        return f"The mean would decide, but the seeds disagree: one training counts for {most_odds}."
    if mean > gate.threshold:
        return "It lies above the boundary, but by no more than chance can explain."
    if gate.floor is None or mean > gate.floor:
        return "It lies between: weaker than the right submissions that were measured, but not impossible for one."
    return "It lies below the boundary, but by no more than chance can explain."


def _odds(log_odds: float) -> str:
    return f"{math.exp(log_odds):.3g} to 1" if log_odds >= 0 else f"1 to {math.exp(-log_odds):.3g}"
