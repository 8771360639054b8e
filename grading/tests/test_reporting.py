"""Result files can hold any text of a submission, and students see no exact metric."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grading.assignment.api_test_record import NOT_RUN, Checked, Suite
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.protocol.finding import Finding
from grading.protocol.submission import SubmissionError, locate
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.gradescope import results_json
from grading.reporting.html import report_html
from grading.reporting.junit import junit_xml
from grading.reporting.results import Results
from grading.reporting.rounding import rounded_text
from grading.reporting.write import write_results
from grading.running.journal import Journal
from grading.running.needed import expectations
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.tests.test_results import control_run, finished_run

NASTY = [
    "\x1b[2J\x1b]0;owned\x07\x00\x7f\x9b",
    "\ud800 \udcfc \udfff",
    "\u202e\u2066\u2069\u200b\ufeff",
    "\ufffe\uffff",
    "]]> --> </script><script>alert(1)</script> & \" ' {{ 7 * 7 }} {% raw %}",
    "[red]markup[/] [/] [link=http://x]",
    "\r\n\t\x0b\x0c\u2028\u2029",
    "%s {0} \\",
    "",
    "x" * 2_000_000,
]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-2,Q1-6,Q1-8"]))


def results_with(plan: Plan, text: str, submission: Path) -> Results:
    """Results in which every text of a submission is this one: messages, test outcomes, its name, its discussion."""
    submission.mkdir()
    (submission / "discussion.md").write_text(f"## Q1-4\n{text}\n## Q1-7\n{text}", "utf-8", "surrogatepass", newline="")
    named = replace(plan.submission, folder=submission, name=text[:1000])
    runs = [
        Run("Q1-1", 0, (), 1.0, "FAIL", text),
        Run("Q1-2", 0, (), 1.0, "GRADER_ERROR", text),
        finished_run("Q1-6", 0, 0.9),
        Run(plan.controls[0].id, 0, (), 1.0, "GRADER_ERROR", text),
    ]
    kinds = {"Q1-1": "FAIL", "Q1-2": "CRASH", "Q1-6": "GRADER_ERROR"}
    suite = Suite(
        tuple(
            Checked(id, question, kinds.get(question, "PASS"), Finding(text)) for id, question in listed_tests().items()
        )
    )
    results = results_of(
        replace(plan, submission=named), {(run.configuration, run.seed): run for run in runs}, suite, 1.0
    )
    with Console().progress(results.plan, Journal(submission / "journal.jsonl", {})) as progress:
        for run in runs:
            progress.finished(run)
    return replace(results, grader_notes=(text,), calibration_notes=[text])


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_every_text_of_a_submission_can_be_written(
    text: str, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_with(plan, text, tmp_path / "handed in")
    write_results(results, tmp_path)
    Console().summary(results, tmp_path)
    json.loads((tmp_path / "results.json").read_text("utf-8"))
    ElementTree.parse(tmp_path / "junit.xml")
    pages = [(tmp_path / name).read_text("utf-8") for name in ("report.html", "student.html")]
    for page in pages:
        HTMLParser().feed(page)
        assert "<script" not in page
    for shown in (*pages, (tmp_path / "junit.xml").read_text("utf-8"), capsys.readouterr().out):
        assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["\x1b[2J\ud800", "two\nlines", "\u202e"])
def test_a_folder_that_is_missing_may_have_a_nasty_name(name: str) -> None:
    with pytest.raises(SubmissionError) as refused:
        locate(name)
    assert str(refused.value).isprintable()


def test_the_discussion_is_cleaned(plan: Plan, tmp_path: Path) -> None:
    results = results_with(plan, "\x1b[2J\u202e one\r\n\ttwo\xa0\u4e2d", tmp_path / "handed in")
    assert results.discussion == dict.fromkeys(("Q1-4", "Q1-7"), "\\x1b[2J\\u202e one\n    two 中")


def test_a_journal_gives_back_every_text(tmp_path: Path) -> None:
    for number, text in enumerate(NASTY):
        journal = Journal(tmp_path / "journal.jsonl", {})
        journal.add(Run("Q1-1", number, (), 1.0, "FAIL", text))
        del journal
    journal = Journal(tmp_path / "journal.jsonl", {})
    assert [run.failure for run in journal.runs.values()] == NASTY


def results_near_a_threshold(plan: Plan, gap: float, *, moved: bool) -> Results:
    """A run that passes two configurations, fails one, and leaves Q1-1, which is near the threshold, to a person.

    `moved`: all metrics are shifted by less than rounding shows.
    """
    near = expectations(plan)["Q1-1"].gate.threshold + 0.001
    # Away from the nearest value at which the rounded one changes.
    offset = math.copysign(0.0005, round(near, 2) - near) if moved else 0.0
    means = {"Q1-1": near, "Q1-2": 0.602, "Q1-6": 0.939, "Q1-8": 0.942}
    runs = [finished_run(id, seed, mean + offset) for id, mean in means.items() for seed in range(5)]
    runs += [control_run(control.id, gap + offset) for control in plan.controls]
    return results_of(plan, {(run.configuration, run.seed): run for run in runs}, NOT_RUN, 1.0)


@pytest.mark.parametrize("gap", [0.002, 0.902])
def test_students_are_shown_rounded_metrics_only(gap: float, plan: Plan) -> None:
    """Two runs whose metrics differ, but not once they are rounded, look the same to a student."""
    first, second = (results_near_a_threshold(plan, gap, moved=moved) for moved in (False, True))
    assert {"FAIL", "REVIEW"} <= {outcome.verdict for outcome in first.outcomes.values()}
    assert {o.verdict for o in first.outcomes.values()} == {o.verdict for o in second.outcomes.values()}
    assert "Here they are" in first.outcomes["Q1-1"].reason
    assert report_html(first) != report_html(second)
    first, second = (replace(results, relations=[]) for results in (first, second))
    assert json.loads(results_json(first)) == json.loads(results_json(second))
    assert junit_xml(first) == junit_xml(second)


def test_every_metric_in_results_json_has_two_decimals(plan: Plan) -> None:
    results = results_near_a_threshold(plan, 0.503, moved=True)
    document = json.loads(results_json(results))
    extra = document["extra_data"]
    numbers = [relation["difference"] for relation in extra["relations"]]
    numbers += [end for relation in extra["relations"] for end in relation["interval"]]
    numbers += [extra["controls"][0]["gap"], extra["controls"][0]["least_gap"]]
    for configuration in extra["configurations"]:
        numbers.append(configuration["tail"])
        for seed in configuration["seeds"]:
            assert {"seed", "initial", "best", "tail", "history"} <= set(seed)
            numbers += [seed["initial"], seed["best"], seed["tail"]]
            numbers += [value for epoch in seed["history"] for value in epoch.values()]
    assert all(number == round(number, 2) for number in numbers)
    for test in document["tests"]:
        assert not re.search(r"\d\.\d{3}", test["output"]), test["output"]


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("0.8349 in the mean of 2 seeds, 0.8251 to 0.8449.", "0.83 in the mean of 2 seeds, 0.83 to 0.84."),
        ("only +0.0123 above", "only +0.01 above"),
        ("a difference of -0.1267e-1", "a difference of -0.01"),
        (
            "the assignment's 0.9, torch 2.11.0, 127.0.0.1, 20 to 1",
            "the assignment's 0.9, torch 2.11.0, 127.0.0.1, 20 to 1",
        ),
        ("above 0.8000. Here they are 3.46 to 1. FAIL begins", "above 0.80. FAIL begins"),
        ("above 0.8. Here they are 1 to 1.2e+05. FAIL", "above 0.8. FAIL"),
    ],
)
def test_figures_in_a_text_are_rounded(text: str, rounded: str) -> None:
    assert rounded_text(text) == rounded
