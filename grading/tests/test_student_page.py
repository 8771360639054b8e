"""student.html tells students what is theirs, and nothing by which they could learn a threshold or a picture."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from grading.assignment.calibration import Measured, Spread
from grading.assignment.training_record import Run
from grading.reporting.html import report_html
from grading.reporting.marks import Mark
from grading.reporting.pictures.of_results import Figures, figures_of
from grading.reporting.results import ControlOutcome, Results
from grading.reporting.student_html import student_html
from grading.reporting.student_report import student_report
from grading.running.plan import Plan
from grading.running.resolve import TESTS_ONLY
from grading.tests.page_text import text_of
from grading.tests.rich_results import every_figure, picture, rich_results, trained, whole_plan
from grading.verdicts.conclusions import RelationOutcome
from grading.verdicts.expectation import Expectation
from grading.verdicts.gate import Gate
from grading.verdicts.outcome import Outcome, distrust
from grading.verdicts.plausible import Bounds

# Numbers that no figure of the rich results is near to, even if it is rounded to two decimals.
SENTINELS = [0.7137 + 0.0113 * number for number in range(9)]
SECRET = "the secret word"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return whole_plan()


@pytest.fixture(scope="module")
def results(plan: Plan) -> Results:
    return rich_results(plan)


def page(results: Results, figures: Figures | None = None) -> str:
    return student_html(student_report(results, figures))


def with_other_secrets(results: Results, *, published: bool = True) -> Results:
    """The same trainings and tests, with other values wherever something is that a student must not learn."""
    outcomes = {id: _with_other_secrets(outcome, published=published) for id, outcome in results.outcomes.items()}
    interval = (-SENTINELS[1], SENTINELS[2])
    relations = [
        RelationOutcome(claim.relation, "undetermined", SENTINELS[0], interval, SENTINELS[3], holds=False)
        for claim in results.relations
    ]
    metrics = {"obeyed": SENTINELS[4], "mistaken": 0.0}
    controls = [
        ControlOutcome(
            control.configuration,
            replace(control.run, history=tuple({**epoch, **metrics} for epoch in control.run.history)),
            SENTINELS[5],
            f"{SECRET} {SENTINELS[4]:.4f} below {SENTINELS[5]:.4f}",
        )
        for control in results.controls
    ]
    assignment = results.plan.assignment
    gate = replace(assignment.gate, odds=SENTINELS[6], least_sd=SENTINELS[7])
    return replace(
        results,
        plan=replace(results.plan, key=b"another", assignment=replace(assignment, gate=gate)),
        outcomes=outcomes,
        relations=relations,
        controls=controls,
        notes=dict.fromkeys(outcomes, f"{SECRET} {SENTINELS[0]:.4f}"),
        calibration_notes=[f"{SECRET} {SENTINELS[1]:.4f}"],
        grader_notes=(f"{SECRET} {SENTINELS[2]:.4f}",),
        seconds=12345.0,
    )


def _with_other_secrets(outcome: Outcome, *, published: bool) -> Outcome:
    configuration = outcome.configuration
    if published:
        figures = dict.fromkeys(("initial", "best"), SENTINELS[8])
        configuration = replace(configuration, published={configuration.metric: figures}, required=SENTINELS[7])
    gate = Gate(SENTINELS[0], SENTINELS[1], SENTINELS[2], SENTINELS[3], outcome.gate.rule, 5)
    spread = Spread(SENTINELS[4], SENTINELS[5], SENTINELS[5], SENTINELS[6], SENTINELS[7])
    measured = Measured(
        *(20, SENTINELS[3], {configuration.metric: spread}, tuple(SENTINELS), {"fcn-a": SENTINELS[8]}, {}, {}),
        *(SENTINELS[0], tuple(SENTINELS), {"fcn-a": SENTINELS[1]}, SENTINELS[2], tuple(SENTINELS), tuple(SENTINELS)),
        {"fcn-a": SENTINELS[4]},
    )
    told = f"{SECRET} {SENTINELS[0]:.4f}"
    return replace(
        outcome,
        configuration=configuration,
        reason=told,
        expectation=Expectation(
            gate, configuration.metric, SENTINELS[4], told, told, True, None, measured, Bounds(*SENTINELS[5:8])
        ),
    )


def test_a_page_depends_on_nothing_that_a_student_must_not_learn(results: Results) -> None:
    figures = every_figure(results)
    assert page(with_other_secrets(results), figures) == page(results, figures)


@pytest.mark.parametrize("doubted", [False, True])
def test_no_sentinel_is_in_the_page(results: Results, doubted: bool) -> None:
    changed = with_other_secrets(results)
    if doubted:
        outcomes = {id: distrust(o, f"{SECRET} {SENTINELS[3]:.4f}") for id, o in changed.outcomes.items()}
        assert "REVIEW" in {outcome.verdict for outcome in outcomes.values()}
        changed = replace(changed, outcomes=outcomes)
    text = text_of(page(changed, every_figure(changed)))
    assert SECRET not in text
    forms = {form.format(share) for share in SENTINELS for form in ("{:.2f}", "{:.3f}", "{:.4f}", "{:.0%}", "{:.1%}")}
    forms |= {f"{100 * share:.{digits}f}" for share in SENTINELS for digits in (1, 2)}
    assert [form for form in forms if form in text] == []
    for word in ("threshold", "expected", "calibrat", "control", "secret", "canary", "published", "gap", "bound"):
        assert word not in text.lower()


def test_a_student_s_curves_depend_on_nothing_hidden(results: Results, tmp_path: Path) -> None:
    hidden = with_other_secrets(results, published=False)
    assert figures_of(hidden, tmp_path).curves_for_student == figures_of(results, tmp_path).curves_for_student


def test_metrics_are_rounded(plan: Plan, results: Results) -> None:
    """Trainings whose metrics differ, but not once they are rounded, look the same."""
    metric = results.outcomes["Q1-1"].configuration.metric

    def moved(run: Run) -> Run:
        history = tuple({**epoch, metric: round(epoch[metric], 2) + 0.001} for epoch in run.history)
        return replace(run, history=history)

    first = trained(plan, "Q1-1", 0, 0.85)
    outcome = results.outcomes["Q1-1"]
    pages = [
        page(replace(results, outcomes={**results.outcomes, "Q1-1": replace(outcome, runs=(moved(run),))}))
        for run in (first, moved(moved(first)))
    ]
    assert pages[0] == pages[1]
    title = results.plan.assignment.question("Q1-8").title  # names the assignment's 0.895
    assert not re.search(r"\d\.\d{3}", text_of(page(results)).replace(title, ""))


def test_validation_pictures_stay_with_the_instructor(results: Results) -> None:
    shown = page(results, every_figure(results))
    assert "alt of own curves Q1-1" in shown
    assert "alt of augmentation" in shown
    for name in ("alt of curves", "mistakes", "confusion", "iou Q", "overlays", "conclusions"):
        assert name not in shown
    validation = picture("a validation picture", 300, for_students=False)
    mistaken = Figures(curves_for_student=dict.fromkeys(results.outcomes, validation), augmentation=validation)
    assert "a validation picture" not in page(results, mistaken)


def test_own_results_are_told(results: Results) -> None:
    shown = text_of(page(results))
    assert "fails: a test that it needs does not pass" in shown or "mend what the first failing test says" in shown
    for told in (
        "the central square of 60 % is inside every draw",  # a finding
        "does RandomResizedCrop cut the face?",
        "learns less than right solutions do",  # Q1-2
        "the figures do not decide it, a person will; until then the points are provisional",  # Q1-3
        "0.60",  # the tail of Q1-2
        "8.5 of 10 points",  # a mark, and its comment
        "Which classes?",
        "Q1-7: write your answer below its heading in discussion.md.",
        "pytest -m q1_5",
    ):
        assert told in shown


def test_what_stopped_a_training_is_told(results: Results) -> None:
    outcome = results.outcomes["Q1-1"]
    broken = replace(outcome, verdict="FAIL", runs=(Run("Q1-1", 0, (), 1.0, "TIMEOUT", "no answer in 120 s"),))
    shown = text_of(page(replace(results, outcomes={"Q1-1": broken})))
    assert "a training was stopped" in shown
    assert "TIMEOUT no answer in 120 s" in shown
    fault = replace(broken, verdict="INCOMPLETE", runs=(replace(broken.runs[0], kind="GRADER_ERROR"),))
    shown = text_of(page(replace(results, outcomes={"Q1-1": fault})))
    assert "the grader failed, which says nothing about your code" in shown
    assert "no answer" not in shown


def test_a_trial_says_that_it_is_one(results: Results) -> None:
    trial = replace(results, plan=replace(results.plan, withheld="a trial with 1 epoch"))
    assert "No verdicts, and no points: a trial with 1 epoch." in text_of(page(trial))


@pytest.mark.parametrize("note", ["tests/test_heads.py differs from what was handed out", "<b>markup</b>"])
def test_what_was_changed_of_the_handout_is_told_to_both_readers(note: str, results: Results) -> None:
    plan = replace(results.plan, submission=replace(results.plan.submission, notes=(note,)))
    told = replace(results, plan=plan)
    for html in (page(told), report_html(told)):
        assert f"Note: {note}." in text_of(html)


def test_a_run_that_trains_nothing_says_what_to_leave_out(results: Results) -> None:
    plan = results.plan
    only_tests = replace(plan, unavailable=dict.fromkeys(results.outcomes, TESTS_ONLY))
    none = {id: replace(outcome, runs=(), verdict="INCOMPLETE") for id, outcome in results.outcomes.items()}
    shown = text_of(page(replace(results, plan=only_tests, outcomes=none)))
    assert "could not be trained" not in shown
    assert "not trained: only the tests were to run" in shown
    assert "Leave out --tests-only" in shown
    trial = text_of(page(replace(results, plan=replace(plan, withheld="a trial with 1 epoch"))))
    assert "Leave out --epochs and --limit" in trial


def test_a_person_s_decision_takes_the_place_of_the_verdict(results: Results) -> None:
    (id,) = (id for id, outcome in results.outcomes.items() if outcome.verdict == "REVIEW")
    shown = page(replace(results, marks={id: Mark(0.5, "too short")}))
    section = text_of(shown[shown.index(f'id="{id}"') :].partition("</section>")[0])
    assert "decided by a person: 0.5 of 2.5 points. too short" in section
    assert "provisional" not in section
    assert "REVIEW" not in section
