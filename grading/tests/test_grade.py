"""The command `grade`, which run_all calls: files, exit statuses, trials, resuming."""

import csv
import importlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from grading import __main__ as commands
from grading.assignment.calibration import read_calibration
from grading.commands import fetch
from grading.commands.grade import main, parse
from grading.protocol.submission import locate
from grading.reporting.discussion import read_discussion
from grading.running.grading import Grading
from grading.running.journal import PARTS
from grading.running.plan import STARTING
from grading.running.resolve import make_plan

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_weights")]

# --unsafe: the best sandbox that works here, or none if none does.
TRIAL = ["--unsafe", "--profile", "mini", "--epochs", "1", "--limit", "12", "--seeds", "1"]
FILES = {
    *("evidence", "history.csv", "journal.jsonl", "junit.xml", "report.html", "results.json", "student.html"),
    "worker.log",
}


def test_a_trial_writes_everything_and_withholds_the_verdict(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*TRIAL, "--only", "Q1-1,Q1-5,Q1-8,Q2-1", "--out", str(out)]) == 3
    assert {path.name for path in out.iterdir()} == FILES
    results = json.loads((out / "results.json").read_text())
    expect_entries(results)
    expect_withheld_verdicts(results["extra_data"]["configurations"])
    expect_relations(results["extra_data"]["relations"])
    expect_history(out / "history.csv", results["extra_data"]["configurations"])
    assert len(ElementTree.parse(out / "junit.xml").findall(".//skipped")) == 5
    page = (out / "report.html").read_text()
    assert "Q2-1-no-skips" in page
    assert not re.search(r"(src|href)=\"(?!#|data:image/)", page), "the page must be self-contained"


def expect_entries(results: dict[str, Any]) -> None:
    """One entry for each configuration, each question's tests and each discussion; no points."""
    assert results["score"] == 0
    assert results["extra_data"]["profile"] == "mini"
    assert [test["number"] for test in results["tests"]] == [
        "Q1-1",
        "Q1-5",
        "Q1-8",
        "Q2-1-skips",
        "Q2-1-no-skips",
        *("Q1-1-tests", "Q1-5-tests", "Q1-8-tests", "Q2-1-tests"),
        *("Q1-7-discussion", "Q2-2-discussion"),
    ]
    for test in results["tests"]:
        assert set(test) == {"name", "number", "score", "max_score", "status", "output", "tags"}


def expect_withheld_verdicts(configurations: list[dict[str, Any]]) -> None:
    for configuration in configurations:
        assert configuration["verdict"] == "INCOMPLETE"
        assert "--epochs 1" in configuration["reason"]
        (seed,) = configuration["seeds"]
        assert {"seed", "initial", "best", "tail", "history"} <= set(seed)
        assert len(seed["history"]) == 1


def expect_relations(relations: list[dict[str, Any]]) -> None:
    verdicts = {relation["id"]: relation["verdict"] for relation in relations}
    assert set(verdicts) == {"face augmentation lifts the feature extractor", "skips > no skips"}
    assert set(verdicts.values()) <= {"supported", "undetermined", "contradicted"}


def expect_history(file: Path, configurations: list[dict[str, Any]]) -> None:
    """One row for the only epoch of each training."""
    with file.open(encoding="utf-8") as lines:
        rows = [(row["configuration"], row["seed"], row["epoch"]) for row in csv.DictReader(lines)]
    assert rows == [(configuration["id"], "0", "1") for configuration in configurations]


def test_the_same_seed_gives_the_same_history(tmp_path: Path) -> None:
    for name in ("one", "two"):
        main([*TRIAL, "--only", "Q1-2,Q2-1-skips", "--out", str(tmp_path / name)])
    first, second = ((tmp_path / name / "history.csv").read_bytes() for name in ("one", "two"))
    assert first == second
    assert first.count(b"\n") == 3


def test_resume_keeps_finished_trainings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    main([*TRIAL, "--only", "Q1-1,Q1-3", "--out", str(out)])
    history = (out / "history.csv").read_bytes()
    journal = out / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:2]) + lines[2][:40])  # as after a kill in the middle of a write
    capsys.readouterr()
    assert main([*TRIAL, "--only", "Q1-1,Q1-3", "--out", str(out), "--resume"]) == 3
    assert "1 trainings" in capsys.readouterr().out
    assert (out / "history.csv").read_bytes() == history


def test_the_folder_of_another_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    main([*TRIAL, "--only", "Q1-1", "--out", str(out)])
    assert main([*TRIAL, "--only", "Q1-1", "--out", str(out)]) == 2
    assert "--resume" in capsys.readouterr().err
    trial = ["--unsafe", "--profile", "mini", "--epochs", "2", "--only", "Q1-1", "--out", str(out), "--resume"]
    assert main(trial) == 2
    assert "epochs" in capsys.readouterr().err


def test_code_that_raises_fails_its_configuration_alone(tmp_path: Path, repository: Path) -> None:
    submission = tmp_path / "half done"
    submission.mkdir()
    for module in (repository / "solutions").glob("*.py"):
        (submission / module.name).write_text(module.read_text())
    (submission / "fcn.py").write_text((repository / "hw4" / "fcn.py").read_text())
    out = tmp_path / "out"
    assert main([*TRIAL, str(submission), "--only", "Q1-1,Q2-1-skips", "--out", str(out)]) == 1
    verdicts = {
        c["id"]: (c["verdict"], c["reason"])
        for c in json.loads((out / "results.json").read_text())["extra_data"]["configurations"]
    }
    assert verdicts["Q1-1"][0] == "INCOMPLETE"
    assert verdicts["Q2-1-skips"][0] == "FAIL"
    assert "NotImplementedError: Q2-1" in verdicts["Q2-1-skips"][1]


def test_a_worker_that_dies_fails_its_configuration_alone(tmp_path: Path, repository: Path) -> None:
    submission = tmp_path / "dies"
    submission.mkdir()
    for module in (repository / "solutions").glob("*.py"):
        (submission / module.name).write_text(module.read_text())
    (submission / "fcn.py").write_text(
        "import os\nclass FCN8s:\n    def __init__(self, *a, **k):\n        os._exit(0)\n"
    )
    out = tmp_path / "out"
    assert main([*TRIAL, str(submission), "--only", "Q1-1,Q2-1-skips", "--out", str(out)]) == 1
    verdicts = {
        c["id"]: c["verdict"] for c in json.loads((out / "results.json").read_text())["extra_data"]["configurations"]
    }
    assert verdicts == {"Q1-1": "INCOMPLETE", "Q2-1-skips": "FAIL"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "Q9-9"],
        ["no_such_package"],
        ["--profile", "report", "--only", "Q1-1"],
        ["--profile", "report", "--only", "Q1-1", "--faces", "no/such/folder"],
        ["--profile", "report", "--only", "Q2-1", "--camvid", "no/such/folder"],
        ["--resume"],
        ["--resume", "--out", "nothing-here"],
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--profile", "maxi"], ["--limit", "many"]])
def test_options_that_argparse_refuses(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_list_needs_no_torch(repository: Path) -> None:
    program = "import sys; sys.argv = ['run_all.py', '--list']; sys.path.insert(0, '.')\n" + (
        "from grading.commands.grade import main\nassert main() == 0\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 10


def test_run_as_a_file(repository: Path) -> None:
    command = [sys.executable, "grading/run_all.py", "--list", "--only", "Q2-1"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["Q2-1-skips", "Q2-1-no-skips"]


def handed_in(folder: Path, repository: Path) -> Path:
    """A submission that equals the reference."""
    shutil.copytree(repository / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("name", [b"[late] bob", b"M\xfcller\n\x1b[31m", b"n" * 250])
def test_a_submission_of_any_name(
    name: bytes,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    submission = handed_in(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)), repository)
    (submission / ".#freezing.py").symlink_to("ada@laptop.1234")
    (submission / "old.py").mkdir()
    assert main([*TRIAL, str(submission), "--only", "Q1-1"]) == 3
    (out,) = (tmp_path / "runs").iterdir()
    assert {path.name for path in out.iterdir()} == FILES
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["extra_data"]["submission"].isprintable()
    assert results["extra_data"]["submission"] in (out / "report.html").read_text(encoding="utf-8").replace(
        "&#39;", "'"
    )
    ElementTree.parse(out / "junit.xml")
    capsys.readouterr()
    assert main([*TRIAL, str(submission), "--only", "Q1-1", "--resume"]) == 3
    assert ": 0 trainings," in capsys.readouterr().out


def test_resume_goes_on_with_its_own_run(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of another submission may end in this one, or match it as a pattern."""
    monkeypatch.chdir(tmp_path)
    for name in ("late-[b]ob", "bob"):
        handed_in(tmp_path / name, repository)
    for folder in ("late-[b]ob-mini", "late-bob-mini", "bob-report"):
        (tmp_path / "runs" / f"20990101-000000-{folder}").mkdir(parents=True)
        (tmp_path / "runs" / f"20990101-000000-{folder}" / "journal.jsonl").write_text("{}\n")
    for name in ("bob", "[b]ob"):
        assert main([*TRIAL, "--resume", name]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "error: --resume: no run of bob in runs/"
    assert errors[1].startswith("error: [b]ob: neither a folder")


class BrokenOutput(io.StringIO):
    """A standard output that takes no text: its reader has gone."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file.open("w", encoding="utf-8")

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        return self._file.fileno()


@pytest.mark.parametrize("kind", ["ascii", "latin-1", "broken"])
def test_a_standard_output_that_cannot_take_every_text(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii" if kind == "broken" else kind)
    monkeypatch.setattr(sys, "stdout", BrokenOutput(tmp_path / "reader") if kind == "broken" else plain)
    out = tmp_path / "m\u00fcller \u4e2d"
    assert main([*TRIAL, "--only", "Q1-1", "--out", str(out)]) == 3
    assert {path.name for path in out.iterdir()} == FILES
    if kind != "broken":
        plain.flush()
        printed = plain.buffer.getvalue().decode(kind)
        assert "INCOMPLETE" in printed
        assert r"\u4e2d" in printed


def test_a_trial_prints_no_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRIAL, "--only", "Q1-1", "--out", str(tmp_path / "out")]) == 3
    printed = capsys.readouterr().out
    assert "a trial with --epochs 1 --limit 12: no verdicts, and no points" in printed
    assert not re.search(r"\d points", printed)


@pytest.mark.parametrize(
    "environment",
    [
        {"HW4_CACHE": "/proc/none"},
        {"HW4_CACHE": __file__},
        {"XDG_CACHE_HOME": "/proc/none"},
        {"HOME": "/proc/none"},
        {"HW4_CACHE": "~nobody-of-this-name/cache"},
        {},
    ],
)
def test_a_cache_that_cannot_be_made(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HW4_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # A user whom the list of users does not name.
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    out = tmp_path / "out"
    assert main([*TRIAL, "--only", "Q1-1", "--out", str(out)]) == 2
    assert fetch.main(["camvid"]) == 1
    for line in capsys.readouterr().err.splitlines():
        assert line.startswith("error: ")
        assert line.endswith("set HW4_CACHE to a folder that you may write to")
    assert not out.exists()


@pytest.mark.parametrize(
    "journal", [b"{\n", b"\xff\xfe\n", b"[1]\n[2]\n", b"{}\n{}\n", b"7\n", b"\0\n", b"[" * 10**5 + b"\n"]
)
def test_a_damaged_journal(journal: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journal.jsonl").write_bytes(journal)
    assert main([*TRIAL, "--only", "Q1-1", "--resume", "--out", str(tmp_path)]) == 2
    assert re.fullmatch(r"error: \S+journal\.jsonl: damaged \(\w+\); choose another --out\n", capsys.readouterr().err)


@pytest.fixture(scope="module")
def finished_trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one trial's results, which several tests start from."""
    return tmp_path_factory.mktemp("finished_trial") / "out"


@pytest.fixture
def journal_lines(finished_trial: Path, tmp_path: Path) -> list[Any]:
    """The journal of a finished trial, line by line; a copy of its folder is `tmp_path / "out"`."""
    if not finished_trial.is_dir():
        assert main([*TRIAL, "--only", "Q1-1,Q1-2", "--out", str(finished_trial)]) == 3
    shutil.copytree(finished_trial, tmp_path / "out")
    return [json.loads(line) for line in (tmp_path / "out" / "journal.jsonl").read_text().splitlines()]


def resume(out: Path, lines: list[Any]) -> int:
    (out / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return main([*TRIAL, "--only", "Q1-1,Q1-2", "--resume", "--out", str(out)])


ODD_VALUES: list[object] = [
    None,
    True,
    -1,
    10**400,
    1e999,
    "",
    "Q9-9",
    "\ud800",
    [],
    [[]],
    [[[]]],
    {},
    {"epoch": 1},
    [7],
    [{"epoch": "1"}],
]
NO_NUMBERS: list[object] = [None, True, "1", [], 10**400]
MATRICES = [
    {"right": []},
    {"right": [[1]], "union": [[1]], "ignored": [[1, 2]]},
    {part: [["1", None]] for part in PARTS},
]


def test_a_journal_whose_lines_are_damaged(
    journal_lines: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with status 2 and one line."""
    identity, run, *others = journal_lines
    of_five_images = {part: rows[:5] for part, rows in run["counts_by_image"].items()}
    journals = [
        [identity, run, run],
        [run, identity],
        [identity, [run]],
        *([identity, damaged] for damaged in damaged_runs(run)),
        [identity, {**run, "counts_by_image": of_five_images}, *others],
    ]
    capsys.readouterr()
    for lines in journals:
        assert resume(tmp_path / "out", lines) == 2, lines[1:]
        errors = capsys.readouterr().err
        assert re.fullmatch(r"error: \S+: damaged \([\w ]+\); choose another --out\n", errors), errors


def damaged_runs(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The line of a training with too many or too few keys, or with values that no training has."""
    yield {**run, "more": 1}
    for missing in ("seed", "history"):
        yield {key: value for key, value in run.items() if key != missing}
    for images in MATRICES:
        yield {**run, "counts_by_image": images}
    for key in ("accuracy", "epoch", "loss"):
        for value in NO_NUMBERS:
            yield {**run, "history": [{**run["history"][0], key: value}]}
    yield {**run, "history": [{"epoch": 1, "loss": 1.0}]}


@pytest.mark.parametrize(
    "key", ["configuration", "seed", "seconds", "kind", "failure", "history", "counts_by_image", "peak_bytes"]
)
def test_an_odd_value_in_a_journal(
    key: str, journal_lines: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with status 2 and one line, or continues as usual."""
    identity, run, *others = journal_lines
    for value in ODD_VALUES:
        capsys.readouterr()
        status = resume(tmp_path / "out", [identity, {**run, key: value}, *others])
        errors = capsys.readouterr().err
        assert (status, errors.count("\n")) in ((2, 1), (3, 0)), value


def test_two_graders_with_one_folder(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str], journal_lines: list[Any]
) -> None:
    """The second ends at once; if the first is killed, the folder is free again."""
    out = tmp_path / "out"
    program = (
        "import sys\nfrom pathlib import Path\nfrom grading.running.journal import Journal\n"
        f"journal = Journal(Path({str(out / 'journal.jsonl')!r}), {journal_lines[0]!r})\nprint('open', flush=True)\n"
        "sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program], cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        capsys.readouterr()
        assert main([*TRIAL, "--only", "Q1-1,Q1-2", "--resume", "--out", str(out)]) == 2
        assert capsys.readouterr().err == f"error: {out} is in use: another grader is at work on this run\n"
    finally:
        first.kill()
        first.wait()
    assert main([*TRIAL, "--only", "Q1-1,Q1-2", "--resume", "--out", str(out)]) == 3
    assert {path.name for path in out.iterdir()} == FILES


@pytest.mark.parametrize("error", [ZeroDivisionError, MemoryError, RecursionError, GeneratorExit, SystemExit])
@pytest.mark.parametrize(
    ("command", "inner", "arguments"),
    [
        ("grade", "make_plan", []),
        ("class_", "read_class", ["class", "--out", "gradebook"]),
        ("check_class", "make_plan", []),
        ("calibrate", "make_plan", []),
        ("check_verdicts", "make_plan", []),
        ("check_tests", "wheats", []),
        ("mutate", "find_spec", []),
        ("fetch", "fetch_camvid", ["camvid"]),
        ("list_tests", "collect", []),
        ("pretrain", "known_challengers", ["alexnet"]),
        ("package", "read_assignment", ["gradescope"]),
        ("handout", "check_folder", ["out"]),
    ],
)
def test_every_command_that_breaks_blames_the_grader(
    command: str,
    inner: str,
    arguments: list[str],
    error: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With status 4, never 1, which blames a submission or the tests."""
    broken = importlib.import_module(f"grading.commands.{command}")

    def breaks(*_: object, **__: object) -> None:
        raise error("\x1b[2J\ud800")

    monkeypatch.setattr(broken, inner, breaks)
    assert broken.main(arguments) == 4
    errors = capsys.readouterr().err
    assert errors.splitlines()[-1].startswith("error: the grader itself broke")
    assert errors.replace("\n", "").isprintable()


def test_every_command_is_listed() -> None:
    files = {path.stem for path in Path(commands.__file__).with_name("commands").glob("*.py")}
    names = {name.rstrip("_") for name in files if name != "__init__"}
    assert names - {"browser", "encoding", "exits", "help", "options", "resuming", "stopping"} == set(commands.COMMANDS)


def test_missing_packages_are_an_error_of_the_grader(repository: Path) -> None:
    """The packages that it needs are missing."""
    command = [sys.executable, "-I", "-S", "grading/run_all.py", "--list"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "ModuleNotFoundError" in done.stderr


def test_a_full_disk_for_the_log_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "worker.log").symlink_to("/dev/full")
    submission = tmp_path / "talks"
    submission.mkdir()
    (submission / "transfer.py").write_text("import sys\nfor _ in range(9):\n    print('x' * 2**16)\n1 / 0\n")
    assert main([*TRIAL, str(submission), "--only", "Q1-1", "--out", str(out)]) == 1
    results = json.loads((out / "results.json").read_text())
    (configuration,) = results["extra_data"]["configurations"]
    assert configuration["reason"].startswith("seed 0: ZeroDivisionError")
    (note,) = results["extra_data"]["grader_notes"]
    assert note == "worker.log: No space left on device; a part of it is missing"
    assert capsys.readouterr().out.count(note) == 1
    assert (out / "report.html").read_text().count(note) == 1


@pytest.mark.parametrize("out", ["/proc/none", "/dev/null/out", "n" * 300, "file"])
def test_an_out_folder_that_cannot_be_made(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main([*TRIAL, "--only", "Q1-1", "--out", out]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: ")
    assert "--out" in errors
    assert errors.count("\n") == 1


def test_an_error_of_the_grader_fails_no_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("grading.commands.grade.results_of", lambda *_: 1 / 0)
    assert main([*TRIAL, "--only", "Q1-1", "--out", str(tmp_path / "out")]) == 4
    errors = capsys.readouterr().err
    assert "ZeroDivisionError" in errors
    assert errors.splitlines()[-1] == "error: the grader itself broke: this says nothing about the submission"


def test_ctrl_c_before_the_first_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grading.commands.grade.with_weights", stop)
    assert main([*TRIAL, "--only", "Q1-1"]) == 3


def test_the_estimate_counts_the_validation_of_each_epoch(
    tiny_camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HW4_CACHE", str(tmp_path / "cache"))

    def seconds(*options: str) -> float:
        data = ["--unsafe", "--profile", "report", "--device", "cpu", "--camvid", str(tiny_camvid)]
        return make_plan(parse([*data, "--only", "Q2-1-skips", *options])).estimated_seconds() - STARTING

    # Three training images, and two validation images at a third of the cost each.
    whole = seconds("--epochs", "1")
    assert seconds("--epochs", "3") == pytest.approx(3 * whole)
    assert seconds("--epochs", "1", "--limit", "2") == pytest.approx(whole * (2 + 2 / 3) / (3 + 2 / 3))
    assert seconds("--epochs", "1", "--limit", "9") == pytest.approx(whole)


def test_the_estimate_of_a_calibrated_profile_is_the_measured_time() -> None:
    mini = ["--unsafe", "--profile", "mini", "--seeds", "1", "--only", "Q1-1"]
    measured = make_plan(parse(mini)).estimated_seconds() - STARTING
    trial = make_plan(parse([*mini, "--epochs", "1", "--limit", "2"])).estimated_seconds() - STARTING
    calibration = read_calibration("mini")
    assert calibration is not None
    plan = make_plan(parse(mini))
    assert measured * plan.parallel == pytest.approx(2 * calibration["Q1-1"].seconds)  # with its control
    # One of 20 epochs, most of whose time goes to 400 validation images and not to two of 320 training images.
    assert measured / 2 / 20 / 3 < trial < measured / 2 / 20


def test_the_time_limit_holds_while_weights_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def provide(*_: object) -> dict[str, str]:
        while True:
            pass

    monkeypatch.setattr("grading.running.pretrained.provide", provide)
    handlers = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM)]
    start = time.monotonic()
    assert main([*TRIAL, "--only", "Q1-1", "--out", str(tmp_path / "out"), "--time-limit", "10"]) == 3
    assert time.monotonic() - start < 10
    (configuration,) = json.loads((tmp_path / "out" / "results.json").read_text())["extra_data"]["configurations"]
    assert configuration["verdict"] == "INCOMPLETE"
    assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM)] == handlers


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("9m", 540), ("1h30m", 5400), ("2h", 7200), ("1m5s", 65)]
)
def test_time_limits(text: str, seconds: float) -> None:
    assert parse(["--time-limit", text]).time_limit == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "9 m", "m", "1.5h", "5m3h", "9" * 40, "inf", "soon"])
def test_texts_that_are_no_time_limit(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse([f"--time-limit={text}"])
    assert stopped.value.code == 2
    assert "--time-limit" in capsys.readouterr().err


def test_changes_during_a_grading_are_not_graded(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ada"
    shutil.copytree(repository / "solutions", folder)
    (folder / "discussion.md").write_text("# Q1-7\nas handed in\n")
    sha256 = locate(str(folder)).fingerprint()

    def carry_out(grading: Grading, **_: object) -> None:
        for file in folder.iterdir():
            if file.is_file():
                file.unlink()
        assert read_discussion(grading.plan.submission.folder) == {"Q1-7": "as handed in"}

    monkeypatch.setattr("grading.commands.grade.carry_out_one", carry_out)
    assert main([*TRIAL, str(folder), "--only", "Q1-1", "--out", str(tmp_path / "out")]) == 3
    results = (tmp_path / "out" / "results.json").read_text()
    assert json.loads(results)["extra_data"]["submission"] == "ada"
    assert sha256 in results


def test_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed and summary in printed for name, summary in commands.COMMANDS.items())
    assert commands.main(["no_such"]) == 2
    assert "there is no command no_such" in capsys.readouterr().err


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_the_help_of_every_command_needs_no_torch(name: str, repository: Path) -> None:
    program = (
        "import sys\nfrom grading.__main__ import main\ntry:\n    main(sys.argv[1:])\n"
        "finally:\n    assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, name.replace("_", "-"), "--help"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
