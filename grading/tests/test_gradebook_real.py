"""A person's marks in real results, and the pages of a class of them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from grading.assignment.api_test_record import NOT_RUN, Checked, Suite
from grading.assignment.test_ids import listed_tests
from grading.commands.grade import parse
from grading.intake.hand_in import HandIn
from grading.protocol.finding import Finding
from grading.reporting.fault import SUBMISSION, Fault, fault_document
from grading.reporting.gradebook.attention import reasons
from grading.reporting.gradebook.class_html import class_html
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_csv import marks_csv
from grading.reporting.gradebook.marks_table import Marks
from grading.reporting.gradebook.points import points_by_question, total
from grading.reporting.gradescope import results_json
from grading.reporting.html import report_html
from grading.reporting.marks import Mark, marked, to_mark
from grading.reporting.results import Results
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.tests.gradebook_documents import ASSIGNMENT, document
from grading.tests.test_reporting import results_near_a_threshold


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-2,Q1-6,Q1-8"]))


@pytest.fixture(scope="module")
def results(plan: Plan) -> Results:
    """Q1-1 is REVIEW, and Q1-4 has a text."""
    failed = {"Q1-1": "FAIL"}
    tests = (Checked(id, q, failed.get(q, "PASS"), Finding("wrong")) for id, q in listed_tests().items())
    found = replace(
        results_near_a_threshold(plan, 0.9, moved=False), suite=Suite(tuple(tests)), discussion={"Q1-4": "Yes."}
    )
    assert found.outcomes["Q1-1"].verdict == "REVIEW"
    return found


def content(results: Results) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(results_json(results))
    return read


def entry(results: Results, number: str) -> dict[str, Any]:
    (found,) = (entry for entry in content(results)["tests"] if entry["number"] == number)
    return found


def graded(results: Results) -> Graded:
    failed = tuple(test for test in results.suite.tests if test.outcome != "PASS")
    return Graded(HandIn("mia", ()), content(results), failed)


def test_what_there_is_to_mark(results: Results) -> None:
    items = {thing.item: (thing.kind, thing.max_points) for thing in to_mark(results)}
    assert items == {"Q1-4": ("discussion", 10.0), "Q1-1": ("review", 2.5)}


def test_without_marks_nothing_changes(results: Results) -> None:
    assert marked(results, {}) == results
    assert entry(results, "Q1-4-discussion")["max_score"] == 0
    assert entry(results, "Q1-1")["output"].startswith("REVIEW (points are provisional): ")


def test_a_discussion_s_mark_counts(results: Results) -> None:
    after = marked(results, {"Q1-4": Mark(7.5, "Which curve shows it?")})
    shown = entry(after, "Q1-4-discussion")
    assert (shown["score"], shown["max_score"]) == (7.5, 10)
    assert shown["output"].startswith("decided by a person: 7.5 of 10\nWhich curve shows it?\n")
    assert shown["output"].endswith("\nYes.")
    assert after.score == (results.score[0] + 7.5, results.score[1] + 10)
    assert content(after)["score"] == after.score[0]


@pytest.mark.parametrize(("points", "status"), [(0.0, "failed"), (2.0, "passed")])
def test_a_review_s_mark_becomes_its_points(results: Results, points: float, status: str) -> None:
    after = marked(results, {"Q1-1": Mark(points, "see the curve")})
    shown = entry(after, "Q1-1")
    assert (shown["score"], shown["max_score"], shown["status"]) == (points, 2.5, status)
    assert shown["output"].startswith(f"decided by a person: {points:g} of 2.5\nsee the curve\nREVIEW: ")
    assert after.score == (results.score[0] - 2.5 + points, results.score[1])


def test_the_report_shows_the_marks(results: Results) -> None:
    page = report_html(marked(results, {"Q1-4": Mark(7.5, "<b>why</b>"), "Q1-1": Mark(1.0, "weak")}))
    assert "7.5 of 10 points" in page
    assert "&lt;b&gt;why&lt;/b&gt;" in page
    assert "decided by a person: weak" in page
    assert "provisional</div>" not in page


def test_a_mark_counts_only_for_what_it_is_about(results: Results) -> None:
    (text, review) = to_mark(results)
    fits = {"Q1-4": Mark(5.0, "", text.about), "Q1-1": Mark(1.0, "", review.about)}
    assert marked(results, fits).marks == fits
    other = replace(results, discussion={"Q1-4": "No."})
    assert marked(other, fits).marks == {"Q1-1": fits["Q1-1"]}
    verdict = replace(results.outcomes["Q1-1"], reason="another")
    changed = replace(results, outcomes={**results.outcomes, "Q1-1": verdict})
    assert marked(changed, fits).marks == {"Q1-4": fits["Q1-4"]}


def test_a_mark_for_what_did_not_run_waits(results: Results) -> None:
    assert marked(results, {"Q2-2": Mark(5.0), "Q2-1-skips": Mark(1.0)}) == results


def test_a_person_may_overrule_a_verdict(results: Results) -> None:
    failed = results.outcomes["Q1-2"]
    assert failed.verdict == "FAIL"
    assert marked(results, {"Q1-2": Mark(1.5, "right but for the rate")}).points(failed) == (1.5, 2.5)


def test_tests_that_did_not_pass_are_named(results: Results) -> None:
    extra = content(results)["extra_data"]
    assert extra["tests"] == len(listed_tests())
    assert extra["failed_tests"] == {id: "FAIL" for id, question in listed_tests().items() if question == "Q1-1"}
    not_run = content(replace(results, suite=NOT_RUN))["extra_data"]
    assert (not_run["tests"], not_run["failed_tests"]) == (0, {})


def test_the_gradebook_follows_the_marks(results: Results) -> None:
    assert {reason.text for reason in reasons(graded(results))} == {"Q1-1 REVIEW", "Q1-4 to be marked"}
    after = graded(marked(results, {"Q1-4": Mark(7.0), "Q1-1": Mark(1.0)}))
    assert reasons(after) == []
    assert points_by_question(after.document)["Q1-4"] == (7.0, 10.0)
    assert total(after.document) == pytest.approx(after.document["score"])


def test_the_pages_of_real_results(results: Results) -> None:
    text = marks_csv([graded(results)], Marks(), ASSIGNMENT)
    assert [line.split(",")[:4] for line in text.splitlines()[1:]] == [
        ["mia", "Q1-4", "discussion", "10"],
        ["mia", "Q1-1", "review", "2.5"],
    ]
    page = class_html([graded(results)], ASSIGNMENT)
    assert "Yes." in page
    assert 'id="mark-Q1-4-mia"' in page


def test_made_up_documents_have_the_form_of_real_ones(results: Results) -> None:
    """Whatever the tests of the pages make up, a real results.json has, too."""
    real, made_up = content(results), document({"Q1-1": "REVIEW"}, texts={"Q1-4": "x"})
    assert made_up.keys() == real.keys()
    assert made_up["extra_data"].keys() <= real["extra_data"].keys()
    assert made_up["tests"][0].keys() == real["tests"][0].keys()
    ids = [{entry["number"]: entry["tags"] for entry in one["tests"]} for one in (real, made_up)]
    assert all(ids[0][number] == ids[1][number] for number in ("Q1-1", "Q1-4-discussion"))
    for name in ("configurations", "to_mark"):
        assert made_up["extra_data"][name][0].keys() <= real["extra_data"][name][0].keys()
    assert made_up["extra_data"]["to_mark"][0].keys() == real["extra_data"]["to_mark"][0].keys()


def test_a_fault_has_the_form_of_real_ones(plan: Plan, results: Results) -> None:
    real = content(results)
    fault = fault_document(Fault("mia", "mini", "no", SUBMISSION, plan.assignment, plan.configurations))
    assert real.keys() <= fault.keys() <= real.keys() | {"output"}
    assert fault["extra_data"].keys() <= real["extra_data"].keys() | {"fault"}
    assert fault["tests"][0].keys() == real["tests"][0].keys()
    possible = {entry["number"]: entry["max_score"] for entry in fault["tests"]}
    by_question = points_by_question(real)
    assert possible == {question: most for question, (_, most) in by_question.items()}
