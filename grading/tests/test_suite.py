"""The tests of the student API earn points only if exactly the known tests ran, on every machine."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from grading import ROOT
from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import Configuration, read_assignment
from grading.assignment.test_ids import listed_tests
from grading.checker.catalogue import write_submission
from grading.commands.grade import parse
from grading.commands.list_tests import collect
from grading.protocol.submission import locate
from grading.reporting.collect import results_of
from grading.running.api_tests import composed, run_suite
from grading.running.clean_pytest import command, environment
from grading.running.needed import without_failed_tests
from grading.running.pytest_server import PytestServer, TestRun
from grading.running.resolve import make_plan
from grading.tests.fresh_python import run_python

pytestmark = pytest.mark.slow

LISTED = {"a": "Q1-1", "b": "Q1-1", "c": "Q2-3"}


def outcome_of(test: str, kind: str = "PASS") -> dict[str, Any]:
    return {"test": test, "outcome": kind, **({} if kind == "PASS" else {"finding": {"title": "why"}})}


def suite(*outcomes: dict[str, Any], collected: dict[str, str] = LISTED) -> Suite:
    entries = [{"test": test, "question": question} for test, question in collected.items()]
    return Suite(composed([json.dumps(entry) for entry in [*entries, *outcomes]], LISTED, "pytest ended"))


@pytest.mark.parametrize(
    ("outcomes", "share"),
    [
        ([outcome_of("a"), outcome_of("b"), outcome_of("c")], 1.0),
        ([outcome_of("a"), outcome_of("b", "FAIL"), outcome_of("c")], 0.5),
        ([outcome_of("a"), outcome_of("b", "CRASH"), outcome_of("c")], 0.5),
        ([outcome_of("a"), outcome_of("b", "GRADER_ERROR"), outcome_of("c")], 0.0),
        ([outcome_of("a"), outcome_of("c")], 0.0),  # one is missing
        ([outcome_of("a"), outcome_of("a"), outcome_of("b"), outcome_of("c")], 0.0),  # one is there twice
        ([outcome_of("a"), outcome_of("b"), outcome_of("c"), outcome_of("d")], 0.0),  # one is unknown
        ([], 0.0),
    ],
)
def test_share_of_a_question(outcomes: list[dict[str, str]], share: float) -> None:
    assert suite(*outcomes).share("Q1-1") == share


@pytest.mark.parametrize(
    "collected",
    [
        {"a": "Q1-1", "c": "Q2-3"},  # fewer
        {**LISTED, "d": "Q1-1"},  # more
        {**LISTED, "b": "Q2-3"},  # of another question
        {},
    ],
)
def test_other_tests_than_the_known_ones_earn_nothing(collected: dict[str, str]) -> None:
    ran = suite(*map(outcome_of, collected), collected=collected)
    assert ran.share("Q1-1") == 0.0
    assert {test.id: test.outcome for test in ran.of("Q1-1")}.items() >= {("a", "GRADER_ERROR")}
    message = ran.of("Q1-1")[0].message
    assert re.match(r"\d tests of Q1-1 in place of the 2 in tests/ids\.txt .*; pytest ended", message)


def test_one_question_does_not_affect_another() -> None:
    ran = suite(outcome_of("a"), outcome_of("c"), collected={"a": "Q1-1", "c": "Q2-3"})
    assert (ran.share("Q1-1"), ran.share("Q2-3")) == (0.0, 1.0)


def test_a_line_that_was_cut_off_is_no_outcome() -> None:
    lines = [json.dumps({"test": test, "question": question}) for test, question in LISTED.items()]
    lines += [json.dumps(outcome_of("a")), json.dumps(outcome_of("b"))[:12]]
    assert [test.outcome for test in composed(lines, LISTED)] == ["PASS", "GRADER_ERROR", "GRADER_ERROR"]


def test_no_record_earns_nothing() -> None:
    assert Suite(()).share("Q1-1") == 0.0


def test_first_failure() -> None:
    failed = suite(outcome_of("a"), outcome_of("b", "TIMEOUT"), outcome_of("c", "FAIL"))
    first = failed.first_failure(["b", "c"])
    assert first is not None
    assert first.id == "b"
    assert failed.first_failure(["a"]) is None


@pytest.mark.parametrize(
    "ran", [Suite(()), suite(outcome_of("a"), outcome_of("b"), outcome_of("c"))], ids=["none", "others"]
)
@pytest.mark.parametrize("required", [["no such"], ["a", "no such"], ["no such|nor this"]])
def test_a_required_test_that_did_not_run_is_not_passed(ran: Suite, required: list[str]) -> None:
    first = ran.first_failure(required)
    assert first is not None
    assert first.outcome == "GRADER_ERROR"
    assert NOT_RUN.first_failure(required) is None


def test_no_configuration_is_trained_if_no_test_ran() -> None:
    plan = make_plan(parse(["--unsafe", "--profile", "mini"]))
    assert without_failed_tests(plan, NOT_RUN) == plan
    assert without_failed_tests(plan, Suite(())).configurations == ()
    assert {outcome.verdict for outcome in results_of(plan, {}, Suite(()), 1.0).outcomes.values()} == {"INCOMPLETE"}


COMPLETE = [
    *({"test": test, "question": question} for test, question in LISTED.items()),
    *map(outcome_of, LISTED),
]


class EndedServer(PytestServer):
    """Each run of it has ended with the same status."""

    def __init__(self, status: int, records: str | None = None) -> None:
        super().__init__()
        self._status = status
        self._records = records

    def run(self, tests: TestRun) -> int:
        if self._records is not None:
            tests.records.write_text(self._records, "utf-8", errors="surrogateescape")
        return self._status


@pytest.mark.parametrize(
    ("status", "records", "complete"),
    [
        (0, COMPLETE, True),
        (1, COMPLETE, True),
        (2, COMPLETE, False),  # interrupted
        (3, COMPLETE, False),  # an error of pytest's own
        (4, COMPLETE, False),
        (5, COMPLETE, False),
        (-9, COMPLETE, False),
        (-11, COMPLETE, False),
        (0, [], False),
        (0, None, False),  # no file
        (0, COMPLETE[:-1], False),
        (0, COMPLETE[1:], False),
        (0, [*COMPLETE, outcome_of("c")], False),
        (0, ["[]", *COMPLETE], False),
        (0, [*COMPLETE[:4], "null", *COMPLETE[4:]], False),
        (0, [*COMPLETE[:4], "{" * 100_000, *COMPLETE[4:]], False),
        (0, [*COMPLETE[:4], "\udcff", *COMPLETE[4:]], False),
    ],
)
def test_a_suite_that_did_not_end_normally_is_incomplete(
    status: int, records: list[object] | None, complete: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in records or ()]
    text = None if records is None else "".join(f"{line}\n" for line in lines)
    monkeypatch.setattr("grading.running.api_tests.PytestServer", lambda **_: EndedServer(status, text))
    monkeypatch.setattr("grading.running.api_tests.listed_tests", lambda: LISTED)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # one part
    ran = run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=True)
    assert len(ran.tests) == len(LISTED)
    first = ran.first_failure(["a", "b", "c"])
    assert (first is None) == complete
    assert first is None or first.outcome == "GRADER_ERROR"


def test_without_a_list_of_tests_nothing_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.running.api_tests.PytestServer", lambda **_: EndedServer(0))
    monkeypatch.setattr("grading.running.api_tests.listed_tests", dict)
    first = run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=True).first_failure(["a"])
    assert first is not None
    assert first.outcome == "GRADER_ERROR"


# Sources on which a parser fails: a sum of many terms, many attributes, a null byte.
UNREADABLE = {
    "classes": "X = " + "+".join(["1"] * 10_000),
    "freezing": "def f(x):\n    return x" + ".y" * 20_000,
    "metrics": "X = 1\0",
}


def test_a_source_that_no_parser_takes_fails_every_test(tmp_path: Path) -> None:
    """It is parsed in the sandbox only: each test has an outcome, and none is an error of the grader."""
    sources = {module: f"{source}\nraise ImportError('never right')\n" for module, source in UNREADABLE.items()}
    submission = write_submission(tmp_path / "deep", sources)
    records = tmp_path / "records"
    files = [f"tests/test_{module}.py" for module in UNREADABLE]
    done = run_student_tests(submission, f"--records={records}", *files, "-k", "swap or same_object or untouched")
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [json.loads(line) for line in records.read_text("utf-8").splitlines()]
    assert [line["outcome"] for line in lines if "outcome" in line] == ["FAIL"] * (len(lines) // 2)
    assert {line["test"].partition("::")[0] for line in lines} == set(files)


@pytest.mark.parametrize(("name", "classes", "status"), [("hw4", None, 0), ("solutions", "raise ImportError\n", 1)])
def test_a_folder_of_any_name_is_tested_itself(
    name: str, classes: str | None, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is tested, not this project's package of the same name."""
    folder = write_submission(tmp_path / name, {} if classes is None else {"classes": classes})
    monkeypatch.chdir(tmp_path)
    submission = locate(name)
    assert submission == locate(str(folder)) == locate(f"./{name}/")
    assert submission.argument == str(folder)
    assert run_student_tests(submission.argument, "tests/test_classes.py", "-k", "swap").returncode == status


def run_student_tests(folder: str | Path, *chosen: str) -> subprocess.CompletedProcess[str]:
    """Some tests of the student API as a grading runs them."""
    arguments = ["-q", "--sandbox", "--unsafe", f"--impl={folder}", *chosen]
    return run_python(*command(arguments)[1:], folder=ROOT, environment=environment())


@pytest.mark.parametrize("configuration", read_assignment().configurations, ids=lambda c: c.id)
def test_every_required_test_exists(configuration: Configuration) -> None:
    assert configuration.required_tests
    for pattern in configuration.required_tests:
        assert any(re.search(pattern, id) for id in listed_tests()), pattern


def test_the_list_of_tests_is_current() -> None:
    """If it is not, run `python -m grading list_tests`."""
    assert dict(listed_tests()) == collect()


# Variables that may be set on the machine of an instructor.
FOREIGN_ENVIRONMENT = {
    "PYTEST_ADDOPTS": "-x -k freez --reruns 1 -p no:randomly --maxfail=1",
    "PYTEST_PLUGINS": "no_such_plugin",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONPATH": "foreign",
    "PYTHONSTARTUP": "foreign/startup.py",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONHASHSEED": "7",
    "PYTHONSAFEPATH": "1",
    "PYTHONIOENCODING": "ascii",
    "HYPOTHESIS_PROFILE": "ci",
    "HYPOTHESIS_VERBOSITY_LEVEL": "debug",
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "COLUMNS": "20",
    "NO_COLOR": "1",
    "LC_ALL": "C",
}


def test_the_environment_of_an_instructor_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests of a module run, and fail if it is wrong, as they do elsewhere."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name in ("pytest", "hypothesis", "sitecustomize", "conftest", "tests"):
        (foreign / f"{name}.py").write_text("raise SystemExit('of another project')\n")
    submission = write_submission(
        tmp_path / "half", {"classes": "def reduce_classes(labels, mapping):\n    return 1\n"}
    )
    for name, value in FOREIGN_ENVIRONMENT.items():
        monkeypatch.setenv(name, str(tmp_path / value) if name in ("PYTHONPATH", "PYTHONSTARTUP") else value)
    monkeypatch.chdir(tmp_path)
    records = tmp_path / "tests.jsonl"
    arguments = ["-q", "--sandbox", "--unsafe", f"--impl={submission}", f"--records={records}", "tests/test_classes.py"]
    subprocess.run(command(arguments), cwd=ROOT, env=environment(), check=False)
    entries = [json.loads(line) for line in records.read_text("utf-8").splitlines()]
    outcomes = {entry["test"]: entry["outcome"] for entry in entries if "outcome" in entry}
    assert list(outcomes) == [id for id in listed_tests() if id.startswith("tests/test_classes.py")]
    assert set(outcomes.values()) == {"FAIL"}


ADDOPTS = "addopts = -k freez\n"
FOREIGN_CONFIGURATION = {
    "pytest.ini": f"[pytest]\n{ADDOPTS}",
    ".pytest.ini": f"[pytest]\n{ADDOPTS}",
    "tox.ini": f"[pytest]\n{ADDOPTS}",
    "setup.cfg": f"[tool:pytest]\n{ADDOPTS}",
    "conftest.py": "def pytest_collection_modifyitems(items):\n    del items[3:]\n",
}


def test_the_configuration_of_other_projects_is_not_read(tmp_path: Path, repository: Path) -> None:
    """Configuration files are in the folder above the checkout and in the checkout itself."""
    checkout = tmp_path / "checkout"
    for part in ("grading", "tests", "solutions", "hw4"):
        ignored = shutil.ignore_patterns("__pycache__", "checker" if part == "tests" else "confinement", "evil")
        shutil.copytree(repository / part, checkout / part, ignore=ignored)
    shutil.copy(repository / "pyproject.toml", checkout)
    for folder in (tmp_path, checkout):
        for name, text in FOREIGN_CONFIGURATION.items():
            (folder / name).write_text(text)
    variables = environment() | {"PYTHONPATH": str(checkout)}
    program = "from grading.commands.list_tests import collect; print(len(collect()))"
    done = run_python("-c", program, folder=checkout, environment=variables)
    assert int(done.stdout) == len(listed_tests())


def test_all_tests_together_have_a_time_limit(tmp_path: Path) -> None:
    (tmp_path / "classes.py").write_text("import time\ntime.sleep(1000)\n")
    start = time.monotonic()
    ran = run_suite(locate(str(tmp_path)), tmp_path / "tests.jsonl", unsafe=True, seconds=5)
    assert time.monotonic() - start < 15
    assert [test.id for test in ran.tests] == list(listed_tests())
    assert {test.outcome for test in ran.of("Q2-3")} == {"GRADER_ERROR"}
    assert "the tests took more than 5 s" in ran.of("Q2-3")[0].message
