"""report.html answers what happened and what to do, and shows the evidence question by question."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from grading.assignment.api_test_record import NOT_RUN
from grading.reporting.attention import needs, next_steps
from grading.reporting.comparison import Row, comparison
from grading.reporting.headline import headline
from grading.reporting.html import report_html
from grading.reporting.layers import MOST_LAYERS, ShownLayer, shown_layers
from grading.reporting.results import Results
from grading.reporting.sections import sections
from grading.reporting.summary import summary_lines
from grading.reporting.write import write_results
from grading.running.evidence import layers_file
from grading.sandbox.tiers import Unconfined
from grading.tests.page_text import text_of
from grading.tests.rich_results import FINDING, every_figure, rich_results, whole_plan
from grading.verdicts.outcome import distrust

LAYER = {"name": "fc", "kind": "Linear", "shape": [2, 256], "parameters": 514, "trains": 514}


@pytest.fixture(scope="module")
def results() -> Results:
    return rich_results(whole_plan())


def section_of(page: str, question: str) -> str:
    """The text of one question's section."""
    begin = page.index(f'id="question-{question}"')
    end = page.find('id="question-', begin + 1)
    return text_of("<p " + page[begin : end if end > 0 else None])


def test_the_score_a_sentence_and_what_to_do_come_first(results: Results) -> None:
    stopped = replace(results, resume="python grading/run_all.py ada --out runs/a --resume")
    top = text_of(report_html(stopped)).partition("Questions")[0]
    told = [
        "43.13 of 70 points",
        "Of 10 configurations 3 pass, 4 fail (Q1-2, Q1-5, Q1-6 and Q1-8), 1 is left to a person (Q1-3) and 2 are not",
        "Needs a person",
        "the tests of Q2-3 say nothing",
        "REVIEW Q1-3 Undecided",
        "INCOMPLETE Q2-3-merged",
        "Q1-4: 10 points",
        "What to do next",
        "Decide each REVIEW",
        "--out runs/a --resume",
        "Give the student student.html",
    ]
    places = [top.find(text) for text in told]
    assert -1 not in places
    assert places == sorted(places)


def test_the_headline_of_a_good_run(results: Results) -> None:
    passing = {id: replace(o, verdict="PASS") for id, o in results.outcomes.items()}
    good = replace(results, outcomes=passing, suite=NOT_RUN, relations=[])
    assert headline(good) == "All 10 configurations pass."
    trial = replace(good, plan=replace(results.plan, withheld="a trial with 1 epoch"))
    assert headline(trial) == "No verdicts, and no points: a trial with 1 epoch."


def test_nothing_is_left_to_do_after_a_good_run(results: Results) -> None:
    passing = {id: replace(o, verdict="PASS") for id, o in results.outcomes.items()}
    good = replace(results, outcomes=passing, suite=NOT_RUN, discussion={}, grader_notes=())
    assert needs(good) == []
    (step,) = next_steps(good, [])
    assert step.text.startswith("Nothing is left to do.")


def test_a_doubt_comes_first_and_is_told_once(results: Results) -> None:
    outcomes = {id: distrust(o, "Q1-1: too good; Q2-1: too early") for id, o in results.outcomes.items()}
    outcomes["Q1-1"] = replace(outcomes["Q1-1"], distrusted="too good")
    plan = replace(results.plan, sandbox=Unconfined())
    needed = needs(replace(results, outcomes=outcomes, plan=plan))
    assert [need.kind for need in needed[:2]] == ["unverified", "distrusted"]
    assert needed[1].why == "Q1-1: too good; Q2-1: too early"
    assert [need.kind for need in needed].count("distrusted") == 1
    assert "REVIEW" not in [need.kind for need in needed]


def test_every_need_and_link_leads_to_a_place(results: Results) -> None:
    page = report_html(results)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {need.place for need in needs(results)} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_each_question_has_its_section(results: Results) -> None:
    page = report_html(results)
    assert re.findall(r'id="question-(Q\d-\d)"', page) == [q.id for q in results.plan.assignment.questions]


def test_the_report_s_tables_are_filled_beside_the_published_figures(results: Results) -> None:
    tables = {section.question.id: section.table for section in sections(results, None, {})}
    assert [row.id for row in tables["Q1-4"]] == ["Q1-1", "Q1-2", "Q1-3"]
    assert [row.id for row in tables["Q1-7"]] == ["Q1-1", "Q1-2", "Q1-5", "Q1-6"]
    assert [row.id for row in tables["Q2-1"]] == ["Q2-1-skips"] * 2 + ["Q2-1-no-skips"] * 2
    assert [row.id for row in tables["Q2-3"]] == ["Q2-3-merged", "Q2-3-first-three", "Q2-3-first-three"]
    first = tables["Q1-4"][0]
    outcome = results.outcomes["Q1-1"]
    assert (first.published_initial, first.published_best) == (0.775, 0.81)
    assert (first.initial, first.best, first.tail) == tuple(map(outcome.mean, ("initial", "best", "tail")))
    skips = [row for row in tables["Q2-1"] if row.id == "Q2-1-skips"]
    assert [(row.metric, row.published_epoch) for row in skips] == [
        ("mean IoU, as reported", 17),
        ("pixel accuracy, as reported", 17),
    ]
    page = report_html(results)
    for shown in ("0.7750", "0.8100", f"{first.initial:.4f}", f"{first.tail:.4f}"):
        assert shown in section_of(page, "Q1-4")
    assert "0.4751 (epoch 11)" in section_of(page, "Q2-3")


def test_a_configuration_that_was_not_finished_has_published_figures_alone(results: Results) -> None:
    (row,) = comparison([replace(results.outcomes["Q1-1"], runs=())])
    assert row == Row(
        "Q1-1", "feature extractor, default augmentation", "accuracy", 0.775, 0.81, None, None, None, None
    )


def test_the_first_failing_test_is_told_with_its_finding(results: Results) -> None:
    shown = section_of(report_html(results), "Q1-5")
    first = next(test.id for test in results.suite.of("Q1-5") if test.outcome != "PASS")
    told = ["of 82 pass", first, FINDING.title, FINDING.asked, FINDING.got, FINDING.hint, "more that do not pass"]
    places = [shown.find(text) for text in told]
    assert -1 not in places
    assert places == sorted(places)
    assert "image = 71 x 300" not in shown.partition("more that do not pass")[0]  # three inputs are enough


def test_pictures_stand_where_they_belong(results: Results) -> None:
    page = report_html(results, every_figure(results))
    assert "alt of curves Q1-1" in section_of(page, "Q1-1")
    assert "alt of mistakes Q1-1" in section_of(page, "Q1-1")
    assert "alt of augmentation" in section_of(page, "Q1-7")
    assert "alt of overlays" in section_of(page, "Q2-1")
    assert "alt of conclusions" in text_of(page.partition('id="conclusions"')[2])
    assert "mistakes of Q1-1: UnusableEvidence: it is damaged" in page


def test_results_are_written_without_pictures_if_these_cannot_be_made(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ImportError("no libfreetype")

    monkeypatch.setattr("grading.reporting.pictures.of_results.figures_of", broken)
    write_results(results, tmp_path)
    files = {"history.csv", "junit.xml", "report.html", "results.json", "student.html"}
    assert {file.name for file in tmp_path.iterdir()} == files
    assert "no pictures: ImportError: no libfreetype" in (tmp_path / "report.html").read_text()
    assert "libfreetype" not in (tmp_path / "student.html").read_text()


@pytest.mark.parametrize("only", [["Q1-1"], ["Q1-5"], ["Q2-3-merged", "Q2-3-first-three"]])
def test_a_run_of_few_questions_has_their_sections_alone(results: Results, only: list[str]) -> None:
    few = replace(results, outcomes={id: results.outcomes[id] for id in only}, relations=[], controls=[])
    page = report_html(few, every_figure(few))
    questions = list(dict.fromkeys(results.outcomes[id].configuration.question for id in only))
    assert re.findall(r'id="question-(Q\d-\d)"', page) == questions
    assert ("alt of overlays" in page) == (only[0] == "Q2-3-merged")
    assert ("alt of augmentation" in page) == (only == ["Q1-5"])


def test_how_to_make_the_run_again(results: Results) -> None:
    made = replace(results, command="python grading/run_all.py '../a b/hw4' --only Q1-1")
    shown = text_of(report_html(made).partition('id="run"')[2])
    for fact in ("Python", "torch", "Hardware", results.plan.sandbox.tier, results.plan.fingerprint, "Q1-1: 0, 1"):
        assert fact in shown
    assert f"To grade it again: {made.command}" in shown
    assert "To grade it again" not in report_html(results), "in a class, it is the command of the class"


def write_layers(folder: Path, content: bytes) -> None:
    path = layers_file(folder, "Q1-1")
    path.parent.mkdir()
    path.write_bytes(content)


def test_layers_are_shown(results: Results, tmp_path: Path) -> None:
    layers = [
        LAYER,
        {**LAYER, "name": "<b>\u202e", "shape": [16, 3, 5, 5], "trains": 0},
        {**LAYER, "shape": [1] * 99, "trains": 2},
    ]
    write_layers(tmp_path, json.dumps(layers).encode())
    assert shown_layers(tmp_path, "Q1-1") == (
        ShownLayer("fc", "Linear", "2 x 256", 514, "yes"),
        ShownLayer("<b>\\u202e", "Linear", "16 x 3 x 5 x 5", 514, "no"),
        ShownLayer("fc", "Linear", "1 x 1 x 1 x 1 x 1 x 1 x 1 x 1 x ...", 514, "2"),
    )
    page = report_html(results, folder=tmp_path)
    assert "&lt;b&gt;\\u202e" in page
    assert "16 x 3 x 5 x 5" in section_of(page, "Q1-1")
    assert "16 x 3 x 5 x 5" not in section_of(page, "Q1-2")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"null",
        b"7",
        b'"text"',
        b"[7]",
        b"[[]]",
        b"[{}]",
        b"[" * 100_000,
        *(
            json.dumps([{**LAYER, **wrong}]).encode()
            for wrong in (
                {"parameters": -1},
                {"parameters": 600.5},
                {"parameters": True, "trains": True},
                {"parameters": 10**30},
                {"trains": 515},
                {"trains": "yes"},
                {"name": {"a": 1}},
                {"kind": None},
                {"shape": "2 x 256"},
                {"shape": [2, -1]},
                {"shape": [[2]]},
            )
        ),
    ],
)
def test_damaged_layers_cost_the_table_alone(results: Results, tmp_path: Path, content: bytes) -> None:
    write_layers(tmp_path, content)
    assert shown_layers(tmp_path, "Q1-1") == ()
    assert "as the submission's process described it" not in report_html(results, folder=tmp_path)


def test_layers_are_bounded(tmp_path: Path) -> None:
    write_layers(tmp_path, json.dumps([LAYER | {"name": "x\n" * 500}] * (MOST_LAYERS + 1)).encode())
    layers = shown_layers(tmp_path, "Q1-1")
    assert len(layers) == MOST_LAYERS
    assert len(layers[0].name) < 100


def test_no_layers_no_table(results: Results, tmp_path: Path) -> None:
    assert shown_layers(tmp_path, "Q1-1") == ()
    assert "as the submission's process described it" not in report_html(results, folder=tmp_path)


def test_a_student_s_own_run_asks_for_no_decision(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.reporting.attention.is_handout", lambda: True)
    monkeypatch.setattr("grading.reporting.html.is_handout", lambda: True)
    top = text_of(report_html(results)).partition("Questions")[0]
    assert "your instructor decides" in top
    for word in ("Decide", "marks.csv", "student.html"):
        assert word not in top.partition("What to do next")[2]


def test_a_trial_concludes_nothing_in_the_terminal(results: Results) -> None:
    conclusion = f"{results.relations[0].relation.id}: {results.relations[0].verdict}"
    assert any(line.startswith(conclusion) for line in summary_lines(results))
    trial = replace(results, plan=replace(results.plan, withheld="a trial with 1 epoch"))
    assert not any(line.startswith(conclusion) for line in summary_lines(trial))


def test_one_configuration_is_named_in_the_headline(results: Results) -> None:
    one = replace(results, outcomes={"Q1-3": results.outcomes["Q1-3"]}, relations=[], suite=NOT_RUN)
    assert headline(one) == "Q1-3 is left to a person."
