"""What a person reads of a REVIEW: what PASS needs, where FAIL begins, where the submission lies, what to look at."""

import math
from collections.abc import Sequence

from grading.assignment.assignment import Configuration
from grading.verdicts.gate import Decision
from grading.verdicts.outcome import Outcome

# The modules that decide how well a network trains, by what the configuration builds.
MODULES = {"case": ("transfer", "heads", "freezing"), "challenger": ("transfer", "augmentation"), "fcn8s": ("fcn",)}


def undecided(outcome: Outcome, tails: Sequence[float | None], decision: Decision) -> str:
    """Why the trainings of a configuration decide nothing, in a few sentences.

    Args:
        tails: by seed; None for a repeated one.
    """
    gate, rule = outcome.gate, outcome.gate.rule
    distinct = [tail for tail in tails if tail is not None]
    count, mean = len(distinct), sum(distinct) / len(distinct)
    seeds = f"{count} seed{'' if count == 1 else 's'}"
    needed, failing = gate.passing_mean(count), gate.failing_mean(count)
    said = [f"Undecided: {mean:.4f} in the mean of {seeds}, {min(distinct):.4f} to {max(distinct):.4f}."]
    said.append(
        f"PASS needs {needed:.4f} in the mean of {seeds}: then the odds are {rule.odds:g} to 1 that it lies above "
        f"{gate.threshold:.4f}, {outcome.expectation.boundary}. Here they are {_odds(decision.log_odds)}."
    )
    if failing is None:
        said.append("No number fails it, as too few other designs were measured.")
    else:
        said.append(f"FAIL begins below {max(failing, 0.0):.4f}.")
    said.append(_place(outcome, mean, count))
    said.append(look_at(outcome.configuration))
    return " ".join(said)


def _place(outcome: Outcome, mean: float, count: int) -> str:
    gate, failing = outcome.gate, outcome.gate.failing_mean(count)
    if count < gate.rule.fewest_seeds:
        return f"One training counts for {math.exp(gate.rule.clip):.0f} to 1 at most, so one alone decides nothing."
    if mean >= gate.passing_mean(count) or (failing is not None and mean <= failing):
        return (
            "The mean would decide, but the seeds disagree: one training counts for "
            f"{math.exp(gate.rule.clip):.0f} to 1 at most."
        )
    if mean > gate.threshold:
        return "It lies above the boundary, but by less than chance makes."
    if gate.floor is None or mean > gate.floor:
        return "It lies between: weaker than the right submissions that were measured, but not impossible for one."
    return "It lies below the boundary, but by less than chance makes."


def look_at(configuration: Configuration) -> str:
    """Where a person finds what decides."""
    modules = MODULES[str(configuration.network["build"])]
    if configuration.augmentation == "face" and "augmentation" not in modules:
        modules = (*modules, "augmentation")
    files = [f"{module}.py" for module in modules]
    named = files[0] if len(files) == 1 else f"{', '.join(files[:-1])} and {files[-1]}"
    return f"Look at its learning curves in report.html (do they still rise, or jump?) and at {named}."


def _odds(evidence: float) -> str:
    return f"{math.exp(evidence):.3g} to 1" if evidence >= 0 else f"1 to {math.exp(-evidence):.3g}"
