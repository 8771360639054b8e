"""What run_all shows: whole in a narrow terminal, with colours or without, more or less of it."""

import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from grading.assignment.api_test_record import NOT_RUN, Checked, Suite
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import main, parse
from grading.commands.resuming import resume_command
from grading.protocol.finding import Finding
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.next_step import next_step
from grading.reporting.results import Results
from grading.running.journal import Journal
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.tests.pseudo_terminal import plain, run_in_terminal
from grading.tests.test_results import control_run, finished_run

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FACES = "Q1-1,Q1-2,Q1-5,Q1-6,Q1-8"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", FACES]))


def suite(failing: str = "") -> Suite:
    """All tests, of which those of one question fail."""
    return Suite(
        tuple(
            Checked(id, question, "FAIL" if question == failing else "PASS", Finding("wrong"))
            for id, question in listed_tests().items()
        )
    )


def results(
    plan: Plan, tests: Suite = NOT_RUN, *, low: str = "", gap: float = 0.9, failed: Sequence[Run] = ()
) -> Results:
    """Good trainings of all configurations but one, whose metric is low, and those that failed."""
    means = {"Q1-1": 0.85, "Q1-2": 0.93, "Q1-5": 0.90, "Q1-6": 0.94, "Q1-8": 0.95}
    runs = [finished_run(id, seed, 0.5 if id == low else mean) for id, mean in means.items() for seed in range(3)]
    runs += [control_run(control.id, gap) for control in plan.controls]
    return results_of(plan, {(run.configuration, run.seed): run for run in (*runs, *failed)}, tests, 12.0)


def printed(
    shown: Results, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The lines of a summary in a terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("grading.reporting.console._is_terminal", lambda: True)
    capsys.readouterr()
    Console().summary(shown, Path("out"))
    return plain(capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("columns", [120, 80, 60, 40, 30])
def test_the_summary_is_whole(
    columns: int, plan: Plan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(results(plan, low="Q1-2"), columns, capsys, monkeypatch)
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    for id, verdict, tail in (("Q1-1", "PASS", "0.8500"), ("Q1-2", "FAIL", "0.5000"), ("Q1-6", "PASS", "0.9400")):
        assert re.search(rf"^{id}\b\s+(verdict: )?{verdict}\b[^Q]*?\b{tail}\b", text, re.MULTILINE), text
    assert not re.search("\u2026|\\.\\.\\.", text)


@pytest.mark.parametrize(("columns", "heads"), [(80, "best tail expected published"), (60, "best tail")])
def test_columns_that_have_no_room_are_left_out(
    columns: int, heads: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ids, verdicts and metrics of these are as long as any."""
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q2-3"]))
    lines = printed(results_of(plan, {}, NOT_RUN, 1.0), columns, capsys, monkeypatch)
    assert lines[0].split()[3:] == heads.split()
    assert lines[2].startswith("Q2-3-first-three  INCOMPLETE  miou_reported ")


def test_points_have_two_decimals_at_most(
    plan: Plan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = suite()
    third = [test for test in tests.tests if test.question == "Q1-1"][::3]
    partly = replace(tests, tests=tuple(replace(t, outcome="FAIL") if t in third else t for t in tests.tests))
    lines = printed(results(plan, partly), 80, capsys, monkeypatch)
    points = [line for line in lines if "points" in line]
    assert any(re.search(r"\(1\.67 of 2\.5 points\)", line) for line in points), points
    assert not any(re.search(r"\.\d{3,} (of|points)", line) for line in points), points


# --- More, or less ---------------------------------------------------------------------------------------------------


def test_quiet_shows_what_does_not_pass_and_the_points(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    Console(quiet=True).summary(results(plan, low="Q1-2"), Path("out"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[:-2]] == ["FAIL Q1-2", "FAIL fine-tuned > feature extractor"]
    assert re.fullmatch(r"[\d.]+ of [\d.]+ points", lines[-2])
    assert lines[-1] == "report: out/report.html"


def test_a_reason_of_all_is_shown_once_and_with_verbose_each_time(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    distrusted = results(plan, gap=0.0)
    Console().summary(distrusted, Path("out"))
    short = capsys.readouterr().out
    Console(verbose=True).summary(distrusted, Path("out"))
    long = capsys.readouterr().out
    sentence = "What it answers does not come from the labels"
    assert short.count(f"REVIEW Q1-2: {distrusted.outcomes['Q1-2'].reason.splitlines()[0]}") == 1
    assert long.count(sentence) > short.count(sentence) >= 1
    assert "\nas Q1-1\n" in short


def test_verbose_says_why_a_configuration_passes(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    for verbose in (False, True):
        Console(verbose=verbose).summary(results(plan), Path("out"))
        assert ("PASS Q1-1: " in capsys.readouterr().out) == verbose


@pytest.mark.parametrize(("quiet", "verbose", "count"), [(False, False, 2), (True, False, 0), (False, True, 6)])
def test_progress_in_lines(
    quiet: bool, verbose: bool, count: int, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, console = Journal(tmp_path / "journal.jsonl", {}), Console(quiet=quiet, verbose=verbose)
    configuration = plan.configurations[0]
    left = [(configuration, seed) for seed in range(3)]
    with console.progress(plan, journal, lambda: left) as progress:
        for seed in range(2):
            for epoch in (1, 2):
                progress.epoch(configuration, seed, {"epoch": epoch, "loss": 0.5, "accuracy": 0.75})
            left.pop(0)
            progress.finished(replace(finished_run(configuration.id, seed, 0.8), seconds=200.0))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == count
    ended = [line for line in lines if line.startswith("[")]
    if not quiet:
        assert ended == [
            "[1/3] Q1-1 seed 0: accuracy 0.8000 (3 min; about 3 min left)",
            "[2/3] Q1-1 seed 1: accuracy 0.8001 (3 min; about 3 min left)",
        ]
    assert verbose == ("Q1-1 seed 1: epoch 2 of 20, loss 0.5000, accuracy 0.7500" in lines)


# --- The last line ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named", "stopped", "expected"),
    [
        ({}, "hw4", False, ""),
        ({"tests": "Q1-5"}, "hw4", False, "pytest -m q1_5"),
        ({"tests": "Q1-5"}, "./hw4/", False, "pytest --impl ./hw4/ -m q1_5"),
        ({"tests": "Q1-5"}, "handed in/ada's", False, "pytest --impl 'handed in/ada'\"'\"'s' -m q1_5"),
        ({"low": "Q1-2"}, "hw4", False, "the report shows why Q1-2 failed"),
        ({"gap": 0.0}, "hw4", False, "open the report and decide about Q1-1, Q1-2, Q1-5, Q1-6, Q1-8"),
        ({}, "hw4", True, "RESUME"),
        ({"tests": "Q1-5"}, "hw4", True, "RESUME"),
    ],
)
def test_what_to_do_next(options: dict[str, object], named: str, stopped: bool, expected: str, plan: Plan) -> None:
    tests = suite(str(options.pop("tests", "")))
    assert next_step(results(plan, tests, **options), named, "RESUME", is_stopped=stopped) == expected  # type: ignore[arg-type]


def test_after_an_error_of_the_grader_the_run_goes_on(plan: Plan) -> None:
    failed = Run("Q1-1", 0, (), 1.0, "GRADER_ERROR", "no memory")
    assert next_step(results(plan, suite(), failed=[failed]), "hw4", "RESUME", is_stopped=False) == "RESUME"


def test_after_a_trial_there_is_more_to_do(plan: Plan) -> None:
    trial = results(replace(plan, withheld="a trial with --epochs 1"))
    assert next_step(trial, "hw4", "", is_stopped=False) == "leave out --epochs 1: then there are verdicts"


@pytest.mark.parametrize("out", ["out", "my results/it's", "ö 中", "$(touch x)"])
def test_the_command_that_resumes_can_be_pasted(out: str) -> None:
    command = resume_command(["grading/run_all.py"], ["ada b", "--only", "Q1-1"], Path(out))
    python, program, *arguments = shlex.split(command)
    assert os.path.samefile(python if os.sep in python else sys.executable, sys.executable)
    assert program == "grading/run_all.py"
    assert parse(arguments) == parse(["ada b", "--only", "Q1-1", "--out", out, "--resume"])


@pytest.mark.parametrize("given", [["--out", "x"], ["--out=x"], ["--resume", "--out", "x"]])
def test_what_was_given_already_is_not_added(given: list[str]) -> None:
    arguments = shlex.split(resume_command([], given, Path("x")))[1:]
    assert sorted(arguments) in (sorted([*given, "--resume"]), sorted(given))
    assert parse(arguments).resume


@pytest.mark.slow
@pytest.mark.usefixtures("quick_weights")
def test_a_stopped_run_goes_on_by_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my results"
    trial = ["--unsafe", "--profile", "mini", "--epochs", "1", "--limit", "12", "--seeds", "1", "--only", "Q1-1"]

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr("grading.commands.grade.carry_out_one", stop)
        assert main([*trial, "--out", str(out)]) == 3
    last = capsys.readouterr().out.splitlines()[-1]
    command = shlex.split(last.partition("; next: ")[2])
    assert command[1:4] == ["-m", "grading", "grade"]
    assert main(command[4:]) == 3
    assert "[1/1] Q1-1 seed 0" in capsys.readouterr().out


# --- Terminals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [100, 80, 60])
def test_the_list_is_a_table_in_a_terminal(columns: int, repository: Path) -> None:
    status, written = run_in_terminal(["grading/run_all.py", "--list"], columns, repository)
    lines = plain(written).splitlines()
    assert status == 0
    assert max(map(len, lines)) <= columns
    assert lines[0].startswith("configuration     question  ")
    assert ("epochs" in lines[0]) == (columns > 60)
    assert any(re.match(r"Q2-3-first-three  Q2-3 +2\.5  miou_reported     0\.4751", line) for line in lines), written
    assert "  FCN8s with skips, classes 0 to 2 kept, the rest dropped" in lines


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colours_in_a_terminal(variables: dict[str, str], is_coloured: bool, repository: Path) -> None:
    program = "from grading.reporting.console import Console; Console().result('FAIL Q1-1: no')"
    _, written = run_in_terminal(["-c", program], 80, repository, variables)
    assert plain(written) == "FAIL Q1-1: no\n"
    assert bool(re.search(r"\x1b\[31m", written)) == is_coloured


@pytest.mark.parametrize(("variables", "is_coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colours_without_a_terminal(
    variables: dict[str, str],
    is_coloured: bool,
    plan: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """FORCE_COLOR asks for colours: lines that move stay where they belong, in a terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    console = Console()
    with console.progress(plan, Journal(tmp_path / "journal.jsonl", {}), list) as progress:
        progress.finished(finished_run("Q1-1", 0, 0.8))
    console.summary(results(plan, low="Q1-2"), tmp_path)
    written = capsys.readouterr().out
    assert bool(COLOUR.search(written)) == is_coloured
    assert COLOUR.sub("", written) == plain(written)
    assert "[1/1] Q1-1 seed 0" in written


BARS = """
import sys
from pathlib import Path
from grading.commands.grade import parse
from grading.reporting.console import Console
from grading.running.journal import Journal
from grading.running.resolve import make_plan
plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q2-3-first-three"]))
(configuration,) = (c.as_control for c in plan.configurations)
with Console().progress(plan, Journal(Path(sys.argv[1]), {}), lambda: [(configuration, 0)]) as progress:
    for epoch in range(1, 17):
        progress.epoch(configuration, 0, {"epoch": epoch, "loss": 0.3, "obeyed": 0.4})
"""


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 60, 35])
def test_bars_are_whole(columns: int, repository: Path, tmp_path: Path) -> None:
    _, written = run_in_terminal(["-c", BARS, str(tmp_path / "journal.jsonl")], columns, repository)
    lines = [line for line in plain(written).replace("\r", "\n").splitlines() if line.strip()]
    assert max(map(len, lines)) <= columns
    last = " ".join(" ".join(lines[-6 if columns < 60 else -2 :]).split())
    assert re.search(r"all trainings", last)
    for text in ("0/1", "16/20", "0.400", "control"):
        assert text in last
    assert re.search(r"about \d+ s left", last) or columns < 60
    assert "\u2026" not in written


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 60])
def test_pytest_in_another_folder_shows_its_tests_as_they_run(columns: int, repository: Path) -> None:
    """It starts anew in the repository, while the first one holds back what is written."""
    arguments = ["-m", "pytest", "-p", "no:xdist", "-m", "Q1-2"]
    status, written = run_in_terminal(arguments, columns, repository / "hw4", {"PYTHONPATH": str(repository)})
    assert status == 1
    assert re.search(r"\x1b\[31mF", written)
    assert max(len(line) for line in plain(written).splitlines() if not line.startswith(("  run:", "next:"))) <= columns
