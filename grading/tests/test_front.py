"""The command line: files, exit statuses, trials, resuming."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grading.front import main

pytestmark = pytest.mark.usefixtures("quick_weights")

# --unsafe: the best sandbox that works here, and none where none does.
TRIAL = ["--unsafe", "--profile", "mini", "--epochs", "1", "--limit", "12", "--seeds", "1"]
FILES = {"history.csv", "journal.jsonl", "junit.xml", "report.html", "results.json", "worker.log"}


def test_a_trial_writes_everything_and_withholds_the_verdict(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*TRIAL, "--only", "Q1-1,Q1-5,Q1-8,Q2-1", "--out", str(out)]) == 3
    assert {path.name for path in out.iterdir()} == FILES
    results = json.loads((out / "results.json").read_text())
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
    for configuration in results["extra_data"]["configurations"]:
        assert configuration["verdict"] == "INCOMPLETE"
        assert "--epochs 1" in configuration["reason"]
        (seed,) = configuration["seeds"]
        assert {"seed", "initial", "best", "tail", "history"} <= set(seed)
        assert len(seed["history"]) == 1
    relations = {relation["id"]: relation["verdict"] for relation in results["extra_data"]["relations"]}
    assert set(relations) == {"face augmentation lifts the feature extractor", "skips > no skips"}
    assert set(relations.values()) <= {"supported", "undetermined", "contradicted"}
    rows = list(csv.DictReader((out / "history.csv").open()))
    assert [(row["configuration"], row["seed"], row["epoch"]) for row in rows] == [
        (configuration["id"], "0", "1") for configuration in results["extra_data"]["configurations"]
    ]
    assert len(ElementTree.parse(out / "junit.xml").findall(".//skipped")) == 5
    page = (out / "report.html").read_text()
    assert "Q2-1-no-skips" in page
    assert not re.search(r"(src|href)=\"(?!#)", page), "the page must be self-contained"


def test_the_same_seed_gives_the_same_history(tmp_path: Path) -> None:
    for name in ("one", "two"):
        main([*TRIAL, "--only", "Q1-2,Q2-1-skips", "--out", str(tmp_path / name)])
    one, two = ((tmp_path / name / "history.csv").read_bytes() for name in ("one", "two"))
    assert one == two
    assert one.count(b"\n") == 3


def test_resume_keeps_what_is_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    main([*TRIAL, "--only", "Q1-1,Q1-3", "--out", str(out)])
    whole = (out / "history.csv").read_bytes()
    journal = out / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:2]) + lines[2][:40])  # as a kill in the middle of a write leaves it
    capsys.readouterr()
    assert main([*TRIAL, "--only", "Q1-1,Q1-3", "--out", str(out), "--resume"]) == 3
    assert "1 trainings" in capsys.readouterr().out
    assert (out / "history.csv").read_bytes() == whole


def test_another_runs_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--profile", "maxi"], ["--limit", "many"]])
def test_options_that_argparse_refuses(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_list_needs_no_torch(repository: Path) -> None:
    program = "import sys; sys.argv = ['run_all.py', '--list']; sys.path.insert(0, '.')\n" + (
        "from grading.front import main\nassert main() == 0\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 10


def test_run_as_a_file(repository: Path) -> None:
    command = [sys.executable, "grading/run_all.py", "--list", "--only", "Q2-1"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["Q2-1-skips", "Q2-1-no-skips"]
