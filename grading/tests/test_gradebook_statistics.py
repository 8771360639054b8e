"""How hard items are, how well they separate, what went wrong together, and where it is drawn."""

import random
from dataclasses import replace
from math import sqrt
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.assignment.api_test_record import Checked
from grading.protocol.finding import Finding
from grading.reporting.gradebook.drawings import BARS, MARGIN, STRIP, WIDTH, histogram, strip
from grading.reporting.gradebook.failure_groups import failure_groups, normalised
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.item_statistics import question_items, separation, test_items
from grading.tests.gradebook_documents import ASSIGNMENT, LISTED, document, graded, of_question

test_items.__test__ = False  # type: ignore[attr-defined]
FIRST, SECOND = of_question("Q1-1", 2)


def test_separation_is_the_point_biserial_correlation() -> None:
    draw = random.Random(1)
    passed = [float(draw.random() < 0.6) for _ in range(40)]
    rests = [10 * draw.random() + 3 * one for one in passed]
    of_passed = [rest for one, rest in zip(passed, rests, strict=True) if one]
    of_failed = [rest for one, rest in zip(passed, rests, strict=True) if not one]
    p = fmean(passed)
    expected = (fmean(of_passed) - fmean(of_failed)) / pstdev(rests) * sqrt(p * (1 - p))
    assert separation(passed, rests) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shares", "rests"),
    [
        ([1.0, 0.0] * 4 + [1.0], list(range(9))),
        ([1.0] * 20, list(range(20))),
        ([0.0, 1.0] * 10, [5.0] * 20),
        ([0.0, 1.0] * 10, [0.1 + 0.2, 0.3] * 10),
        ([], []),
    ],
    ids=["few", "all pass", "equal rests", "rests that differ by rounding alone", "none"],
)
def test_nothing_is_said_without_evidence(shares: list[float], rests: list[float]) -> None:
    assert separation(shares, rests) is None


def test_a_test_counts_without_its_own_points() -> None:
    """All rests are equal: the total differs by this one test alone."""
    documents = [document(failed=[FIRST] if number % 2 else []) for number in range(20)]
    (item,) = test_items(documents, ASSIGNMENT)
    assert (item.id, item.submissions, item.lost, item.mean, item.separation) == (FIRST, 20, 10, 0.5, None)


def test_a_test_that_only_weak_submissions_fail_separates() -> None:
    weak = document({"Q2-3-merged": "FAIL"}, failed=[FIRST, SECOND])
    strong = document(failed=[SECOND])
    documents = [weak] * 6 + [strong] * 6
    by_id = {item.id: item for item in test_items(documents, ASSIGNMENT)}
    assert by_id[FIRST].separation == pytest.approx(1.0)
    assert by_id[SECOND].separation is None
    assert [item.lost for item in by_id.values()] == [12, 6]


def test_what_the_grader_could_not_decide_does_not_count() -> None:
    broken = document({"Q2-3-merged": "INCOMPLETE"}, failed={FIRST: "GRADER_ERROR", SECOND: "FAIL"})
    items = {item.id: item for item in test_items([broken, document(failed=[SECOND])], ASSIGNMENT)}
    assert (items[SECOND].submissions, items[SECOND].lost) == (1, 1)
    questions = question_items([broken, document({"Q1-1": "FAIL"})], ASSIGNMENT)
    assert [(item.id, item.submissions, item.lost, item.mean) for item in questions] == [
        ("Q1-1", 1, 1, 0.5),
        ("Q2-3", 1, 0, 1.0),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("got 3 of 5", "got 12 of 7"),
        ("<Net object at 0x7f00aa>", "<Net object at 0x7fffbb01>"),
        ("tensor([1, 2, 3])", "tensor([4.5, -1e-3, nan, 7])"),
        ("shape (3, 4)", "shape (1, 2, 3)"),
        ("a  b\n c", "a b c"),
    ],
)
def test_numbers_and_addresses_make_no_difference(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(("one", "other"), [("conv1 is frozen", "conv2 is frozen"), ("NameError", "TypeError")])
def test_words_make_one(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def with_findings(student: str, **findings: Finding) -> Graded:
    tests = tuple(
        Checked(id, LISTED[id], "FAIL", finding)
        for id, finding in zip((FIRST, SECOND), findings.values(), strict=False)
    )
    return replace(graded(student, document(failed=[test.id for test in tests])), failed_tests=tests)


def test_the_same_failure_is_one_group() -> None:
    class_ = [
        with_findings("a", x=Finding("freeze", got="1.5", inputs=("seed=1",))),
        with_findings("b", x=Finding("freeze", got="2.5", inputs=("seed=2",), call="freeze(n)")),
        with_findings("c", x=Finding("freeze", got="None")),
    ]
    groups = failure_groups(class_)
    assert [group.students for group in groups] == [("a", "b"), ("c",)]
    assert groups[0].gist == "freeze: 1.5"
    assert "seed=1" in groups[0].example


def test_parameters_of_a_test_are_one_group_and_a_student_counts_once() -> None:
    tests = [id for id in LISTED if id.startswith(f"{FIRST.partition('[')[0]}[")]
    assert len(tests) > 1
    (group,) = failure_groups([graded("a", document(failed=tests))])
    assert (group.where, group.students) == (FIRST.partition("[")[0], ("a",))


def test_an_exception_is_one_failure_whichever_tests_notice_it() -> None:
    """A function that is not written yet fails dozens of tests."""

    def raised(line: int, title: str, function: str = "freeze") -> Finding:
        frames = ("hw4/heads.py:1 in caller: x()", f"hw4/freezing.py:{line} in {function}: raise NotImplementedError")
        return Finding(title, got="NotImplementedError: Q1-1", frames=frames)

    class_ = [
        with_findings("a", x=raised(3, "values stay"), y=raised(3, "buffers stay")),
        with_findings("b", x=raised(70, "values stay")),
        with_findings("c", x=raised(3, "values stay", "unfreeze")),
    ]
    groups = failure_groups(class_)
    assert [(group.where, group.students) for group in groups] == [
        ("freezing.py: freeze", ("a", "b")),
        ("freezing.py: unfreeze", ("c",)),
    ]
    assert groups[0].gist == "NotImplementedError: Q1-1"


@pytest.mark.parametrize("outcome", ["CRASH", "TIMEOUT", "OUT_OF_MEMORY", "GRADER_ERROR"])
def test_a_session_that_died_is_one_failure(outcome: str) -> None:
    tests = [
        Checked(id, "Q1-1", outcome, Finding(f"property {number}", got="killed by signal 9"))
        for number, id in enumerate((FIRST, SECOND))
    ]
    content = document(failed={test.id: outcome for test in tests})
    (group,) = failure_groups([replace(graded("a", content), failed_tests=tuple(tests))])
    assert (group.where, group.outcome, group.gist) == ("tests of Q1-1", outcome, "killed by signal 9")


def test_trainings_and_faults_are_grouped() -> None:
    class_ = [graded(name, document({"Q1-1": "FAIL"}, reason=f"0.{name} lies below 0.9")) for name in ("1", "2")]
    class_.append(graded("3", document({"Q1-1": "FAIL"}, reason=f"{FIRST}: FAIL\nwrong", failed=[FIRST])))
    class_.append(graded("4", document(), fault="not a folder"))
    groups = failure_groups(class_)
    assert [(group.where, group.outcome, group.students) for group in groups] == [
        ("Q1-1", "FAIL", ("1", "2")),
        (FIRST.partition("[")[0], "FAIL", ("3",)),
        ("not graded", "FAULT", ("4",)),
    ]


def test_a_failed_test_without_its_finding_is_not_forgotten() -> None:
    (group,) = failure_groups([replace(graded("a", document(failed=[FIRST])), failed_tests=())])
    assert group.students == ("a",)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.floats(0.5, 1000))
def test_every_submission_is_in_one_bar(totals: list[float], possible: float) -> None:
    drawn = histogram(totals, possible)
    assert drawn is not None
    assert sum(bar.count for bar in drawn.bars) == len(totals)
    assert all(0 <= bar.y <= BARS and bar.x >= MARGIN and bar.x + bar.width <= WIDTH - MARGIN + 1 for bar in drawn.bars)
    assert len(drawn.bars) <= 21
    for bar in drawn.bars:
        if bar.count:
            assert any(bar.low - 1e-6 <= total <= bar.high + 1e-6 for total in totals)


@given(st.lists(st.floats(0, 1).map(lambda tail: round(tail, 2)), min_size=1, max_size=300))
def test_every_tail_is_drawn_inside(tails: list[float]) -> None:
    drawn = strip([(str(number), "PASS", tail) for number, tail in enumerate(tails)], 0.9, None, 0.95)
    assert drawn is not None
    assert sorted(dot.tail for dot in drawn.dots) == sorted(tails)
    assert all(0 < dot.x < WIDTH and 0 < dot.y < STRIP for dot in drawn.dots)
    assert len({(dot.x, dot.y) for dot in drawn.dots}) == len(tails)


def test_nothing_is_drawn_of_nothing() -> None:
    assert histogram([], 100) is None
    assert strip([], 0.9, None, None) is None
