"""From a plan, its journal and the tests of the student API to everything that a run has to say."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grading.assignment import Configuration
from grading.calibrated import Calibration, read_calibration
from grading.canary import chance, sings
from grading.conditions import made_elsewhere, misfits
from grading.discussion import read_discussion
from grading.journal import Run
from grading.plan import Plan
from grading.relations import relate_all
from grading.reporting import Canary, Results
from grading.runs import validation_labels
from grading.scoring import accuracy_ceiling
from grading.suite import Suite
from grading.verdicts import Expectation, Outcome, distrust, expectation_of, judge, needed_seeds

Runs = Mapping[tuple[str, int], Run]


def without_broken(plan: Plan, suite: Suite) -> Plan:
    """The plan without the configurations that a test of their structure has decided already."""
    whole = tuple(c for c in plan.configurations if suite.first_failure(c.structure) is None)
    return replace(plan, configurations=whole)


def expectations(plan: Plan) -> dict[str, Expectation]:
    """What each configuration is held against."""
    calibration = read_calibration(plan.profile_name)
    unfit = misfits(plan, calibration)
    rule = plan.assignment.gate
    return {c.id: expectation_of(c, plan.profile, calibration, rule, unfit.get(c.id)) for c in plan.configurations}


def fitting(expected: Mapping[str, Expectation]) -> Calibration:
    """The part of the calibration that was measured on what this run trains."""
    return {id: one.measured for id, one in expected.items() if one.measured is not None and one.misfit is None}


def needed(
    plan: Plan, runs: Runs, expected: Mapping[str, Expectation] | None = None
) -> list[tuple[Configuration, int]]:
    """The trainings that the verdicts of a plan rest on, by what is known.

    Args:
        expected: from `expectations`, for whoever asks after each training.
    """
    if not plan.sequential:
        return list(plan.trainings())
    expected = expected or expectations(plan)
    seeds: dict[str, range] = {c.id: range(1) for c in plan.canaries}
    for configuration in plan.configurations:
        own = {seed: run for (id, seed), run in runs.items() if id == configuration.id}
        seeds[configuration.id] = needed_seeds(own, expected[configuration.id], configuration.metric, plan.seeds)
    return [(c, seed) for c, seed in plan.trainings() if seed in seeds[c.id]]


def judged(plan: Plan, runs: Runs, suite: Suite, seconds: float) -> Results:
    """Every verdict of the run."""
    expected = expectations(plan)
    kept = {(c.id, seed) for c, seed in needed(plan, runs, expected)}
    outcomes = {
        configuration.id: judge(
            configuration,
            (run for key, run in runs.items() if key in kept and run.configuration == configuration.id),
            expected[configuration.id],
            seeds=plan.most_seeds(configuration),
            withheld=plan.unavailable.get(configuration.id) or plan.withheld,
            broken=suite.first_failure(configuration.structure),
        )
        for configuration in plan.configurations
    }
    canaries = [
        heard(plan, runs[canary.id, 0], canary, outcomes[id])
        for id, canary in plan.assignment.canaries.items()
        if (canary.id, 0) in runs and id in outcomes
    ]
    for canary in canaries:
        if canary.why is not None:
            for id, outcome in outcomes.items():
                if outcome.configuration.task == canary.configuration.task:
                    outcomes[id] = distrust(outcome, canary.why)
    return Results(
        plan=plan,
        outcomes=outcomes,
        relations=relate_all(plan.assignment, outcomes, fitting(expected), gated=plan.withheld is None),
        canaries=canaries,
        suite=suite,
        notes=notes(plan, outcomes),
        calibration_notes=calibration_notes(plan),
        discussion=read_discussion(plan.submission.folder),
        seconds=seconds,
    )


def heard(plan: Plan, run: Run, canary: Configuration, outcome: Outcome) -> Canary:
    """What a canary's training says about the metrics of its task."""
    labels = np.asarray(validation_labels(plan, canary))
    by_chance = chance(canary.task, canary.metric, labels, plan.num_classes(canary))
    # Without a calibration that fits, what the submission reaches on true labels is the measure.
    threshold = outcome.gate.threshold if outcome.expectation.misfit is None else outcome.tail
    why = None if threshold is None else sings(run, canary.metric, by_chance=by_chance, threshold=threshold)
    return Canary(canary, run, by_chance, why)


def calibration_notes(plan: Plan) -> list[str]:
    """How the machine that calibrated differs from this one, and for which configurations."""
    calibration = read_calibration(plan.profile_name) or {}
    found: dict[str, list[str]] = {}
    for c in plan.configurations:
        if c.id in calibration and (note := made_elsewhere(calibration[c.id], plan.device)):
            found.setdefault(note, []).append(c.id)
    every = len(plan.configurations)
    return [f"{note}{'' if len(ids) == every else ': ' + ', '.join(ids)}" for note, ids in found.items()]


def notes(plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """What a reader should know beside the verdict, by configuration."""
    rules = {c.id: len(c.classes.mapping) for c in plan.assignment.configurations if c.classes is not None}
    return {
        id: _why_so_low(plan, outcome)
        for id, outcome in outcomes.items()
        if id in rules
        and rules[id] < max(rules.values())
        and {"accuracy_reported", "miou_reported"} <= set(outcome.configuration.published)
    }


def _why_so_low(plan: Plan, outcome: Outcome) -> str:
    """Why the accuracy as reported is low where classes are dropped: Q2-3 in the report."""
    configuration = outcome.configuration
    ceiling = accuracy_ceiling(np.asarray(validation_labels(plan, configuration)))
    published = {name: figures["best"] for name, figures in configuration.published.items()}
    accuracy, miou = published["accuracy_reported"], published["miou_reported"]
    classes = plan.num_classes(configuration)
    possible = (classes - 2 + 2 * accuracy / (2 - accuracy)) / classes
    here = [run.tail("accuracy_reported") for run in outcome.finished]
    share = f", of which this submission reaches {np.mean(here) / ceiling:.0%}" if here else ""
    return (
        f"Dropped classes count as wrong: in these validation crops at most {ceiling:.4f} of the pixels can be right "
        f"as reported{share}. The report's pair, accuracy {accuracy:.4f} with mean IoU {miou:.4f}, is impossible for "
        f"one confusion matrix over {classes} classes (at most {possible:.4f}): this protocol explains it."
    )
