"""Outcomes of tests that an earlier run has kept count for the same tests of the same submission, and for no others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grading.checker.catalogue import write_submission
from grading.protocol.submission import Submission, locate
from grading.running import api_tests
from grading.running.api_tests import ApiTests

LISTED = {
    "tests/test_classes.py::test_a": "Q2-3",
    "tests/test_classes.py::test_b": "Q2-3",
    "tests/test_fcn.py::test_c": "Q2-1",
}


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    return locate(str(write_submission(tmp_path / "submission", {})))


@pytest.fixture
def tests_of(tmp_path: Path) -> Iterator[Callable[..., ApiTests]]:
    """Makes the tests of a submission, which keep their outcomes in one file."""
    made: list[ApiTests] = []

    def make(submission: Submission, listed: dict[str, str] = LISTED) -> ApiTests:
        made.append(ApiTests(submission, tmp_path / "tests.jsonl", listed=listed, most_parts=1, unsafe=True))
        return made[-1]

    yield make
    for tests in made:
        tests.close()


def run(tests: ApiTests, outcome: str = "PASS", *, without: str = "") -> list[str]:
    """Run the parts; all tests have the same outcome, but one may have none. Returns the files of the parts."""
    files: list[str] = []
    for part in tests.start():
        files += part.tests.files
        lines: list[dict[str, object]] = [{"test": id, "question": question} for id, question in part.listed.items()]
        finding = {} if outcome == "PASS" else {"finding": {"title": "wrong", "hint": "look"}}
        lines += [{"test": id, "outcome": outcome, **finding} for id in part.listed if id != without]
        part.tests.records.write_text("".join(json.dumps(line) + "\n" for line in lines))
        part.tests.log.write_text("printed\n")
        tests.end(part, part.outcomes(lambda _: 0))
    return files


@pytest.mark.parametrize("outcome", ["PASS", "FAIL", "TIMEOUT", "OUT_OF_MEMORY", "CRASH"])
def test_known_outcomes_are_not_found_again(
    outcome: str, submission: Submission, tests_of: Callable[..., ApiTests], tmp_path: Path
) -> None:
    first = tests_of(submission)
    assert run(first, outcome)
    records = (tmp_path / "tests.jsonl").read_bytes()
    again = tests_of(submission)
    assert again.suite == first.suite
    assert not again.suite.awaited
    assert run(again) == []
    again.close()
    assert (tmp_path / "tests.jsonl").read_bytes() == records


def test_the_folder_of_the_submission_does_not_matter(
    submission: Submission, tests_of: Callable[..., ApiTests], tmp_path: Path
) -> None:
    """Each run of a class unpacks it into another one."""
    run(tests_of(submission))
    assert run(tests_of(locate(str(write_submission(tmp_path / "elsewhere", {}))))) == []


def test_another_submission_is_tested(submission: Submission, tests_of: Callable[..., ApiTests]) -> None:
    run(tests_of(submission))
    with (submission.folder / "classes.py").open("a") as file:
        file.write("# changed\n")
    assert run(tests_of(submission))


@pytest.mark.parametrize(
    "listed",
    [
        {**LISTED, "tests/test_fcn.py::test_d": "Q2-1"},
        dict(list(LISTED.items())[:2]),
        {**LISTED, "tests/test_fcn.py::test_c": "Q2-3"},
    ],
)
def test_other_tests_are_run(listed: dict[str, str], submission: Submission, tests_of: Callable[..., ApiTests]) -> None:
    run(tests_of(submission))
    assert run(tests_of(submission, listed))


@pytest.mark.parametrize("name", ["tests_code", "version"])
def test_changed_tests_or_libraries_test_anew(
    name: str, submission: Submission, tests_of: Callable[..., ApiTests], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tests_of(submission))
    monkeypatch.setattr(api_tests, name, lambda *_: "another one")
    assert run(tests_of(submission))


def test_what_the_grader_could_not_tell_is_tested_again(
    submission: Submission, tests_of: Callable[..., ApiTests]
) -> None:
    first = tests_of(submission)
    run(first, without="tests/test_fcn.py::test_c")
    assert [test.outcome for test in first.suite.tests] == ["PASS", "PASS", "GRADER_ERROR"]
    assert run(tests_of(submission))


def test_a_run_that_was_stopped_is_not_taken_for_a_whole_one(
    submission: Submission, tests_of: Callable[..., ApiTests]
) -> None:
    stopped = tests_of(submission)
    stopped.start()
    stopped.close()
    assert run(tests_of(submission))


def _without_last_line(content: bytes) -> bytes:
    return content[: content[:-1].rfind(b"\n") + 1]


def _with_an_outcome_twice(content: bytes) -> bytes:
    return content + content[content[:-1].rfind(b"\n") + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        _without_last_line,
        _with_an_outcome_twice,
        lambda content: b"",
        lambda content: content[:-5],
        lambda content: content[:200],
        lambda content: content.replace(b'"PASS"', b"7", 1),
        lambda content: content.replace(b'"PASS"', b'"PASSED"', 1),
        lambda content: content.replace(b'"PASS"', b'"FAIL", "finding": {"colour": 1}', 1),
        lambda content: content.replace(b'"PASS"', b'"FAIL", "finding": 7', 1),
        lambda content: content.replace(b'"tests/test_classes.py::test_a"', b"[1]", 1),
        lambda content: b"\xff\xfe" + content,
        lambda content: content[content.find(b"\n") + 1 :],
    ],
)
def test_damaged_records_are_not_believed(
    damage: Callable[[bytes], bytes], submission: Submission, tests_of: Callable[..., ApiTests], tmp_path: Path
) -> None:
    run(tests_of(submission))
    records = tmp_path / "tests.jsonl"
    records.write_bytes(damage(records.read_bytes()))
    assert run(tests_of(submission))
    assert run(tests_of(submission)) == [], "now they are whole again"
