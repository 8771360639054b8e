"""Which trainings the verdicts of a plan rest on."""

import re
from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean

from grading.assignment.api_test_record import Suite
from grading.assignment.assignment import Configuration
from grading.assignment.calibration import Calibration, read_calibration
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.running.api_tests import files_with
from grading.running.conditions import misfits
from grading.running.plan import Plan
from grading.verdicts.expectation import Expectation, expectation_of
from grading.verdicts.stopping import may_pass, needed_seeds

Runs = Mapping[tuple[str, int], Run]


def without_failed_tests(plan: Plan, suite: Suite) -> Plan:
    """The plan without the configurations that a required test has decided already."""
    whole = tuple(c for c in plan.configurations if suite.first_failure(c.required_tests) is None)
    return replace(plan, configurations=whole)


def needed_tests(plan: Plan) -> dict[str, str]:
    """The question of each test that the plan needs: those of its questions, and those that its trainings require.

    The other tests of their files run with them.
    """
    questions = {c.question for c in plan.configurations}
    required = [re.compile(pattern) for c in plan.trainable for pattern in c.required_tests]

    def is_needed(id: str, question: str) -> bool:
        return question in questions or any(pattern.search(id) for pattern in required)

    return files_with(listed_tests(), is_needed)


def expectations(plan: Plan) -> dict[str, Expectation]:
    """What each configuration is compared with, by its id."""
    calibration = read_calibration(plan.profile_name)
    unfit = misfits(plan, calibration)
    rule = plan.assignment.gate
    return {c.id: expectation_of(c, plan.profile, calibration, rule, unfit.get(c.id)) for c in plan.configurations}


def fitting(expected: Mapping[str, Expectation]) -> Calibration:
    """The part of the calibration that was measured on what this run trains."""
    return {
        id: expectation.measured
        for id, expectation in expected.items()
        if expectation.measured is not None and expectation.misfit is None
    }


def needed(
    plan: Plan, runs: Runs, expected: Mapping[str, Expectation] | None = None
) -> list[tuple[Configuration, int]]:
    """The trainings that the verdicts of a plan rest on, by those that have ended.

    Args:
        expected: from `expectations`, for a caller that asks after each training.
    """
    expected = expected or expectations(plan)
    controls = controlled(plan, runs, expected)
    trainings = plan.trainings(controls.values())
    if not plan.sequential:
        return list(trainings)
    seeds: dict[str, range] = {control.id: range(1) for control in controls.values()}
    for configuration in plan.configurations:
        trained, expectation = _of(runs, configuration), expected[configuration.id]
        seeds[configuration.id] = needed_seeds(trained, expectation, configuration.metric, plan.seeds)
    return [(c, seed) for c, seed in trainings if seed in seeds[c.id]]


def ready(
    plan: Plan, suite: Suite, runs: Runs, expected: Mapping[str, Expectation] | None = None
) -> list[tuple[Configuration, int]]:
    """The needed trainings of the configurations whose required tests have all passed.

    Those whose tests have not all ended are not trained yet, but they keep their place in the choice of the control: no
    other one is trained in vain.

    Args:
        expected: as in `needed`.
    """
    passed = {c.id for c in plan.configurations if suite.first_failure(c.required_tests) is None}
    return [(c, seed) for c, seed in foreseen(plan, suite, runs, expected) if c.base in passed]


def foreseen(
    plan: Plan, suite: Suite, runs: Runs, expected: Mapping[str, Expectation] | None = None
) -> list[tuple[Configuration, int]]:
    """The needed trainings of the configurations of which no required test has failed so far.

    Args:
        expected: as in `needed`.
    """

    def is_possible(c: Configuration) -> bool:
        return suite.first_failure(c.required_tests) is None or suite.awaits(c.required_tests)

    return needed(replace(plan, configurations=tuple(filter(is_possible, plan.configurations))), runs, expected)


def controlled(plan: Plan, runs: Runs, expected: Mapping[str, Expectation]) -> dict[str, Configuration]:
    """By task, the control to be trained: that of the first configuration, in a secret order, that passes or still may.

    A network that has not learned the true labels does not learn a rule either: a person looks at it anyway. A control
    is also passed over if even right submissions hardly learn its rule.
    """
    chosen: dict[str, Configuration] = {}
    for control in plan.controls:
        configuration = plan.assignment.configuration(control.base)
        expectation = expected[configuration.id]
        trained, seeds = _of(runs, configuration).values(), plan.most_seeds(configuration)
        tails = [run.tail(configuration.metric) for run in trained if run.failure is None]
        least = expectation.least_control_gap(fmean(tails) if tails else None)
        is_telling = least is None or least >= plan.assignment.control.least_gap / 2
        if is_telling and may_pass(trained, expectation, configuration.metric, seeds):
            chosen.setdefault(control.task, control)
    return chosen


def _of(runs: Runs, configuration: Configuration) -> dict[int, Run]:
    """The trainings of a configuration, by seed."""
    return {seed: run for (id, seed), run in runs.items() if id == configuration.id}
