"""From a plan, its trainings and the tests of the student API to the results of a run."""

from collections.abc import Iterable, Mapping
from statistics import fmean

from grading.assignment.api_test_record import Suite
from grading.assignment.assignment import MISTAKEN, OBEYED
from grading.assignment.calibration import read_calibration
from grading.assignment.training_record import Run
from grading.reporting.discussion import read_discussion
from grading.reporting.results import ControlOutcome, Results
from grading.running.conditions import made_elsewhere
from grading.running.needed import Runs, controlled, expectations, fitting, needed, without_failed_tests
from grading.running.plan import Plan
from grading.running.validation import scored_labels
from grading.scoring.control import gap
from grading.scoring.metrics import accuracy_ceiling
from grading.verdicts.conclusions import relate_all
from grading.verdicts.expectation import Expectation
from grading.verdicts.outcome import Outcome, distrust, without_control
from grading.verdicts.plausible import implausible
from grading.verdicts.verdict import judge


def results_of(plan: Plan, runs: Runs, suite: Suite, seconds: float) -> Results:
    """Every verdict of the run."""
    expected = expectations(plan)
    trained = without_failed_tests(plan, suite)
    outcomes = _judge_all(plan, runs, suite, expected)
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


def _judge_all(plan: Plan, runs: Runs, suite: Suite, expected: Mapping[str, Expectation]) -> dict[str, Outcome]:
    """The verdict on each configuration by its own tests and trainings alone."""
    needed_keys = {(c.id, seed) for c, seed in needed(plan, runs, expected)}
    return {
        configuration.id: judge(
            configuration,
            (run for key, run in runs.items() if key in needed_keys and run.configuration == configuration.id),
            expected[configuration.id],
            seeds=plan.most_seeds(configuration),
            withheld=plan.unavailable.get(configuration.id) or plan.withheld,
            failed_test=None if plan.gives_no_verdict else suite.first_failure(configuration.required_tests),
        )
        for configuration in plan.configurations
    }


def doubted(outcomes: Mapping[str, Outcome], controls: Iterable[ControlOutcome]) -> dict[str, Outcome]:
    """The outcomes, all of them distrusted if a training of the submission does not look like learning."""
    doubts = {control.configuration.id: control.why for control in controls if control.why is not None}
    for id, outcome in outcomes.items():
        if outcome.may_earn:
            why = implausible(outcome.runs, outcome.configuration.metric, outcome.expectation.bounds)
            doubts |= {} if why is None else {id: why}
    if not doubts:
        return dict(outcomes)
    all_doubts = "; ".join(f"{id}: {why}" for id, why in doubts.items())
    return {id: distrust(outcome, doubts.get(id) or all_doubts) for id, outcome in outcomes.items()}


def not_learned(run: Run, least_gap: float | None) -> str | None:
    """Why a control raises doubts whether a submission learns from its labels; None if it does not.

    Args:
        run: of the control.
        least_gap: the gap that it must show; None if nobody has measured it.
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
    configurations: dict[str, list[str]] = {}
    for c in plan.configurations:
        if c.id in calibration and (note := made_elsewhere(calibration[c.id], plan.device)):
            configurations.setdefault(note, []).append(c.id)
    return [
        note if len(ids) == len(plan.configurations) else f"{note}: {', '.join(ids)}"
        for note, ids in configurations.items()
    ]


def notes(plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """What a reader should know besides the verdict, by configuration that was trained."""
    rules = {c.id: len(c.mapping) for c in plan.assignment.configurations}
    return {
        id: _why_so_low(plan, outcome)
        for id, outcome in outcomes.items()
        if outcome.finished
        and 0 < rules[id] < max(rules.values())
        and {"accuracy_reported", "miou_reported"} <= set(outcome.configuration.published)
    }


def _why_so_low(plan: Plan, outcome: Outcome) -> str:
    """Why the accuracy as reported is low if classes are dropped: Q2-3 in the report."""
    configuration = outcome.configuration
    ceiling = accuracy_ceiling(scored_labels(plan, configuration))
    published = {name: figures["best"] for name, figures in configuration.published.items()}
    accuracy, miou = published["accuracy_reported"], published["miou_reported"]
    classes = configuration.num_classes
    possible = (classes - 2 + 2 * accuracy / (2 - accuracy)) / classes
    here = fmean(run.tail("accuracy_reported") for run in outcome.finished)
    return (
        f"Dropped classes count as wrong: in these validation crops at most {ceiling:.4f} of the pixels can be right "
        f"as reported, of which this submission reaches {here / ceiling:.0%}. The report's pair, accuracy "
        f"{accuracy:.4f} with mean IoU {miou:.4f}, is impossible for one confusion matrix over {classes} classes (at "
        f"most {possible:.4f}): this protocol explains it."
    )
