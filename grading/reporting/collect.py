"""From a plan, its journal and the tests of the student API to everything that a run has to say."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from statistics import fmean

import numpy as np

from grading.assignment.assignment import MISTAKEN, OBEYED, Configuration
from grading.assignment.calibration import Calibration, read_calibration
from grading.running.conditions import made_elsewhere, misfits
from grading.scoring.control import gap
from grading.reporting.discussion import read_discussion
from grading.running.journal import Run
from grading.running.plan import Plan
from grading.verdicts.plausible import implausible
from grading.verdicts.conclusions import relate_all
from grading.reporting import ControlOutcome, Results
from grading.scoring.metrics import accuracy_ceiling
from grading.running.api_tests import Suite
from grading.running.validation import scored_labels
from grading.verdicts.verdict import (
    Expectation,
    Outcome,
    distrust,
    expectation_of,
    judge,
    may_pass,
    needed_seeds,
    without_control,
)

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
    expected = expected or expectations(plan)
    controls = controlled(plan, runs, expected)
    trainings = plan.trainings(controls.values())
    if not plan.sequential:
        return list(trainings)
    seeds: dict[str, range] = {control.id: range(1) for control in controls.values()}
    for configuration in plan.configurations:
        own = _of(runs, configuration)
        seeds[configuration.id] = needed_seeds(own, expected[configuration.id], configuration.metric, plan.seeds)
    return [(c, seed) for c, seed in trainings if seed in seeds[c.id]]


def controlled(plan: Plan, runs: Runs, expected: Mapping[str, Expectation]) -> dict[str, Configuration]:
    """By task, the control to be trained: that of the first configuration, in a secret order, that passes or still may.

    A network that has not learned the true labels does not learn a rule either: a person looks at it anyway. A control
    that right submissions hardly learn tells too little, and is passed over too.
    """
    chosen: dict[str, Configuration] = {}
    for control in plan.controls:
        configuration = plan.assignment.configuration(control.base)
        one = expected[configuration.id]
        own, seeds = _of(runs, configuration).values(), plan.most_seeds(configuration)
        tails = [run.tail(configuration.metric) for run in own if run.failure is None]
        least = one.least_control_gap(fmean(tails) if tails else None)
        tells = least is None or least >= plan.assignment.control.least_gap / 2
        if tells and may_pass(own, one, configuration.metric, seeds):
            chosen.setdefault(control.task, control)
    return chosen


def _of(runs: Runs, configuration: Configuration) -> dict[int, Run]:
    """The trainings of a configuration, by seed."""
    return {seed: run for (id, seed), run in runs.items() if id == configuration.id}


def judged(plan: Plan, runs: Runs, suite: Suite, seconds: float) -> Results:
    """Every verdict of the run."""
    expected = expectations(plan)
    trained = without_broken(plan, suite)
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
    controls = []
    for task, control in controlled(trained, runs, expected).items():
        if (control.id, 0) in runs:
            run, least = runs[control.id, 0], expected[control.base].least_control_gap(outcomes[control.base].tail)
            controls.append(ControlOutcome(control, run, least, not_learned(run, least)))
            continue
        for id, outcome in outcomes.items():
            if outcome.configuration.task == task:
                outcomes[id] = without_control(outcome, control.id)
    return Results(
        plan=plan,
        outcomes=doubted(outcomes, controls),
        relations=relate_all(plan.assignment, outcomes, fitting(expected), gated=plan.withheld is None),
        controls=controls,
        suite=suite,
        notes=notes(plan, outcomes),
        calibration_notes=calibration_notes(plan),
        discussion=read_discussion(plan.submission.folder),
        seconds=seconds,
    )


def doubted(outcomes: Mapping[str, Outcome], controls: Iterable[ControlOutcome]) -> dict[str, Outcome]:
    """The outcomes, none of which counts if one training of the submission cannot have come about by learning."""
    doubts = {control.configuration.id: control.why for control in controls if control.why is not None}
    for id, outcome in outcomes.items():
        if outcome.may_earn:
            why = implausible(outcome.runs, outcome.configuration.metric, outcome.expectation.bounds)
            doubts |= {} if why is None else {id: why}
    if not doubts:
        return dict(outcomes)
    every = "; ".join(f"{id}: {why}" for id, why in doubts.items())
    return {id: distrust(outcome, doubts.get(id) or every) for id, outcome in outcomes.items()}


def not_learned(run: Run, least_gap: float | None) -> str | None:
    """Why a control makes one doubt that a submission learns from its labels; None if it does not.

    Args:
        least_gap: what it must show; None if nobody has measured it.
    """
    if run.failure is not None:
        return f"the control, a training under a secret rule, ended with {run.kind}: {run.failure}"
    if least_gap is None or gap(run) >= least_gap:
        return None
    return (
        f"where a secret rule changed the labels, its answers follow the rule in {run.tail(OBEYED):.0%}, and elsewhere "
        f"they err so in {run.tail(MISTAKEN):.0%}: {gap(run):.2f} apart, where right submissions show at least "
        f"{2 * least_gap:.2f}. What it answers does not come from the labels that it was given"
    )


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
    ceiling = accuracy_ceiling(scored_labels(plan, configuration))
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
