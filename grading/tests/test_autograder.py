"""Gradings as on Gradescope, in a folder laid out as /autograder: there are always results, in its format."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grading.backbones.weights import mini_file
from grading.platforms import autograder
from grading.platforms.autograder import GraderFault
from grading.platforms.machine import GRADER_BYTES, TRAINING_BYTES, workers
from grading.platforms.settings import Settings
from grading.protocol.submission import locate
from grading.tests.conftest import random_weights
from grading.tests.test_package import packed

REHEARSAL = ["--only", "Q2-3-merged", "--epochs", "1", "--limit", "6"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder laid out as /autograder, with all that a rehearsal needs; its network has random weights."""
    root = tmp_path / "autograder"
    unpack(packed(tmp_path, *REHEARSAL), root)
    (root / "cache").mkdir()
    (weights,) = random_weights(tmp_path, ["encoder"]).values()
    shutil.move(weights, mini_file("encoder", root / "cache"))
    return root


def unpack(package: Path, root: Path) -> None:
    """Unpack as Gradescope does, and allow the gradings no sandbox if none works on this machine."""
    source = root / "source"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(source)
        for entry in archive.infolist():
            (source / entry.filename).chmod(entry.external_attr >> 16)
    settings = json.loads((source / "autograder.json").read_text())
    settings["arguments"].append("--unsafe")
    (source / "autograder.json").write_text(json.dumps(settings))


def run_script(root: Path, name: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HW4_AUTOGRADER": str(root), "HW4_PYTHON": sys.executable}
    environment["HW4_CACHE"] = str(root / "cache")
    command = [str(root / "source" / name)]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=False)


def graded_on_gradescope(root: Path, files: Mapping[str, str | Path], **variables: str) -> dict[str, Any]:
    """The results.json for a student who hands in these files, given as text or as files to copy."""
    shutil.rmtree(root / "submission", ignore_errors=True)
    (root / "submission").mkdir()
    for name, content in files.items():
        text = content if isinstance(content, str) else content.read_text()
        (root / "submission" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "submission" / name).write_text(text)
    done = run_script(root, "run_autograder", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    expect_gradescope_format(document)
    return document


NUMBER, TEXT = (int, float), (str,)
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
DOCUMENT = {
    "score": NUMBER,
    "execution_time": NUMBER,
    "output": TEXT,
    "output_format": TEXT,
    "test_output_format": TEXT,
    "test_name_format": TEXT,
    "visibility": TEXT,
    "stdout_visibility": TEXT,
    "extra_data": (dict,),
    "tests": (list,),
    "leaderboard": (list,),
}
ENTRY = {
    "score": NUMBER,
    "max_score": NUMBER,
    "status": TEXT,
    "name": TEXT,
    "name_format": TEXT,
    "number": TEXT,
    "output": TEXT,
    "output_format": TEXT,
    "tags": (list,),
    "visibility": TEXT,
    "extra_data": (dict,),
}


def expect_gradescope_format(document: Mapping[str, Any]) -> None:
    """The format of results.json in Gradescope's autograder specification."""
    expect_types(document, DOCUMENT)
    assert "score" in document or all("score" in entry for entry in document["tests"])
    for entry in document.get("tests", []):
        expect_types(entry, ENTRY)
        assert entry.get("status", "passed") in {"passed", "failed"}
        assert all(isinstance(tag, str) for tag in entry.get("tags", []))
    for part in (document, *document.get("tests", [])):
        for name, value in part.items():
            if name.endswith("_format"):
                assert value in FORMATS
            if name.endswith("visibility"):
                assert value in VISIBILITIES


def expect_types(part: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> None:
    assert set(part) <= set(types)
    for name, value in part.items():
        assert isinstance(value, types[name]), name
        assert not isinstance(value, bool), name


@pytest.mark.slow
def test_an_image_is_built_and_grades(image: Path, repository: Path) -> None:
    done = run_script(image, "setup.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "INCOMPLETE Q2-3-merged" in done.stdout
    assert "54 passed" in done.stdout
    assert (image / "cache" / "secret.key").is_file()
    assert not any(place.stat().st_mode & 0o077 for place in (image / "source", image / "cache"))
    files = {path.name: path for path in (repository / "solutions").glob("*.py")}
    document = graded_on_gradescope(image, files)
    assert [entry["number"] for entry in document["tests"]] == ["Q2-3-merged", "Q2-3-merged-staff", "Q2-3-tests"]
    assert "--epochs 1" in document["tests"][1]["output"]
    assert document["stdout_visibility"] == "hidden"
    assert document["extra_data"]["configurations"][0]["verdict"] == "INCOMPLETE"


@pytest.mark.slow
def test_a_broken_submission_reads_what_is_wrong_with_it(image: Path) -> None:
    files = {"homework/hw4/fcn.py": "1 / 0\n", "homework/hw4/classes.py": "x = 1\n", "__MACOSX/hw4/fcn.py": ""}
    document = graded_on_gradescope(image, files)
    assert "ZeroDivisionError" in document["tests"][0]["output"]
    assert [entry["number"] for entry in document["tests"]] == ["Q2-3-merged", "Q2-3-tests"]


@pytest.mark.slow
@pytest.mark.parametrize("files", [{}, {"report.pdf": "%PDF"}, {"homework.py": "x = 1"}])
def test_files_without_a_module_are_refused_in_one_line(image: Path, files: Mapping[str, str]) -> None:
    document = graded_on_gradescope(image, files)
    assert document["score"] == 0
    (entry,) = document["tests"]
    assert entry["status"] == "failed"
    assert "transfer.py" in entry["output"]
    assert "\n" not in entry["output"]
    assert str(image) not in entry["output"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [{"HW4_PYTHON": "/nowhere/python"}, {"HW4_PYTHON": "/bin/false"}, {"HW4_CACHE": "/proc/none"}],
    ids=["Python is missing", "Python fails", "the cache cannot be written"],
)
def test_a_fault_of_the_grader_says_nothing_about_the_submission(image: Path, variables: Mapping[str, str]) -> None:
    document = graded_on_gradescope(image, {"classes.py": "x = 1\n"}, **variables)
    assert document["score"] == 0
    assert document["tests"] == []
    assert "nothing about your submission" in document["output"]


@pytest.mark.slow
@pytest.mark.parametrize("damaged", ["", "{}", "[]", '{"arguments": ['])
def test_damaged_settings_are_a_fault_of_the_grader(image: Path, damaged: str) -> None:
    (image / "source" / "autograder.json").write_text(damaged)
    document = graded_on_gradescope(image, {"classes.py": "x = 1\n"})
    assert "nothing about your submission" in document["output"]


@pytest.mark.slow
def test_earlier_results_are_closed_to_submissions(image: Path) -> None:
    metadata = image / "submission_metadata.json"
    metadata.write_text("{}")
    metadata.chmod(0o644)
    graded_on_gradescope(image, {})
    for place in (metadata, image / "source", image / "submission", image / "results"):
        assert not place.stat().st_mode & 0o077


@pytest.mark.slow
def test_an_image_that_cannot_grade_fails_when_it_is_built(image: Path) -> None:
    """And says at which stage."""
    shutil.rmtree(image / "source" / "solutions")
    done = run_script(image, "setup.sh")
    assert done.returncode != 0
    assert "a trial with the reference ended with status 2" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("== setup.sh FAILED at: preparation")


def test_an_image_is_built_within_the_limits_of_its_container(image: Path, tmp_path: Path) -> None:
    """Networks are pretrained beside each other, each with memory of its own."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$*" in *machine) echo 3 ;; *) echo "$PYTHON_CPU_COUNT $*" ;; esac\n')
    python.chmod(0o755)
    done = run_script(image, "setup.sh", HW4_PYTHON=str(python))
    assert "3 -m grading.platforms.image\n" in done.stdout


SETTINGS = Settings(("--profile", "mini"), ("Q2-3-merged",), time_limit=1, challengers=(), visibility="visible")
WRITES = "import sys, pathlib; out = pathlib.Path(sys.argv[-1]); out.mkdir(); (out / 'results.json').write_text"
ENDINGS = {
    "status 4": "raise SystemExit(4)",
    "status 2": "raise SystemExit(2)",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "out of time": "import time; time.sleep(60)",
    "no results": "",
    "results that are no JSON": f"{WRITES}('{{')",
    "results of another form": f"{WRITES}('{{}}')",
}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which a test writes run_all.py."""
    (tmp_path / "grading").mkdir()
    (tmp_path / "autograder.json").write_text(SETTINGS.text())
    monkeypatch.setattr(autograder, "ROOT", tmp_path)
    monkeypatch.setattr(autograder, "PATIENCE", 0.5)
    return tmp_path


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_the_grading_ends_there_are_results(ending: str, stand_in: Path, repository: Path) -> None:
    (stand_in / "grading" / "run_all.py").write_text(ENDINGS[ending])
    shutil.copytree(repository / "solutions", stand_in / "submission")
    (stand_in / "results").mkdir()
    assert autograder.main(stand_in) == 0
    document = json.loads((stand_in / "results" / "results.json").read_text())
    expect_gradescope_format(document)
    assert "nothing about your submission" in document["output"]


def test_the_limits_of_the_container_reach_the_grading(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autograder, "workers", lambda cores: 3)
    monkeypatch.setattr(subprocess, "Popen", note := Noted())
    with pytest.raises(GraderFault):
        autograder.graded(locate(str(repository / "solutions")), SETTINGS)
    assert note.environment["PYTHON_CPU_COUNT"] == "3"
    assert note.command[2] == str(repository / "solutions")
    assert note.command[3:7] == ["--profile", "mini", "--time-limit", "1s"]


class Noted:
    """Stands in for Popen: notes what is started, which ends with status 4."""

    def __call__(self, command: list[str], *, env: dict[str, str], **_: object) -> "Noted":
        self.command, self.environment = command, env
        return self

    def wait(self, _: float) -> int:
        return 4


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"memory.max": "max"}, 8),
        ({"memory.max": str(int(GRADER_BYTES + 2.5 * TRAINING_BYTES))}, 2),
        ({"memory.max": "1000"}, 1),
        ({"cpu.max": "400000 100000", "memory.max": str(int(GRADER_BYTES + 3 * TRAINING_BYTES) + 1)}, 3),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, 8),
        ({"memory/memory.limit_in_bytes": str(int(GRADER_BYTES + TRAINING_BYTES) + 1)}, 1),
        ({"cpu.max": "nonsense", "memory.max": ""}, 8),
    ],
)
def test_as_many_trainings_at_a_time_as_the_container_can_bear(
    files: Mapping[str, str], expected: int, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert workers(8, tmp_path) == expected
