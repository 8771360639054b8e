"""The autograder that is packed for Gradescope: which files, which bytes, which settings."""

import json
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from grading.assignment.assignment import read_assignment
from grading.assignment.test_ids import listed_tests
from grading.backbones.weights import mini_file
from grading.commands.package import main
from grading.platforms import gradescope
from grading.platforms.checkout import needed_files
from grading.platforms.settings import most_points, pins
from grading.protocol.sources import sources
from grading.tests.good_shell import expect_good_shell

SCRIPTS = ("setup.sh", "run_autograder")


def packed(folder: Path, *options: str) -> Path:
    """A package for Gradescope."""
    out = folder / "autograder.zip"
    assert main(["gradescope", "--out", str(out), *options]) == 0
    return out


def test_the_same_checkout_gives_the_same_bytes(tmp_path: Path) -> None:
    first = packed(tmp_path, "--only", "Q2-3").read_bytes()
    before = os.umask(0o077)
    try:
        again = packed(tmp_path / "again", "--only", "Q2-3").read_bytes()
    finally:
        os.umask(before)
    assert again == first
    assert packed(tmp_path, "--only", "Q2-1").read_bytes() != first


def test_the_scripts_lie_at_the_root_and_can_be_executed(tmp_path: Path) -> None:
    with zipfile.ZipFile(packed(tmp_path)) as archive:
        for name in SCRIPTS:
            assert stat.S_IMODE(archive.getinfo(name).external_attr >> 16) == 0o755
            assert archive.read(name).startswith(b"#!/bin/sh\n")
            assert b"\r" not in archive.read(name)
        assert {entry.date_time[0] for entry in archive.infolist()} == {2000}
        assert archive.namelist() == sorted(archive.namelist())


def test_scripts_get_the_ends_of_lines_that_their_interpreter_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout on Windows may have others."""
    for name in SCRIPTS:
        text = (gradescope.TEMPLATES / name).read_bytes()
        (tmp_path / name).write_bytes(text.replace(b"\n", b"\r\n"))
    monkeypatch.setattr(gradescope, "TEMPLATES", tmp_path)
    with zipfile.ZipFile(packed(tmp_path)) as archive:
        assert all(b"\r" not in archive.read(name) for name in SCRIPTS)


def test_a_package_holds_what_a_grading_needs_and_no_more(tmp_path: Path) -> None:
    with zipfile.ZipFile(packed(tmp_path)) as archive:
        names = set(archive.namelist())
    started = ("run_all", "platforms.image", "platforms.autograder", "worker.serve", "backbones.pretrain")
    needed = {f"grading/{path}" for path in sources(*(f"grading.{name}" for name in started))}
    needed |= {test.partition("::")[0] for test in listed_tests()}
    needed |= {f"{package}/transfer.py" for package in ("hw4", "solutions")}
    needed |= {"pyproject.toml", "setup.py", "README.md", "LICENSE", "grading/assignment/calibrations/mini.json"}
    assert needed <= names
    parts = {part for name in names for part in Path(name).parts}
    assert not parts & {".git", "runs", "evil", "checker.json", "__pycache__", "docs", "secret.key", "confinement"}
    assert not {name for name in names if name.startswith("grading/tests/")}


def test_the_files_are_the_same_without_git(tmp_path: Path, repository: Path) -> None:
    """As in a checkout that was downloaded as an archive."""
    files = needed_files(repository)
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repository / path, tmp_path / path)
    for waste in ("runs/1/results.json", "grading/__pycache__/x.pyc", ".venv/x.py", "tests/.cache/x", "my notes.txt"):
        (tmp_path / waste).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / waste).touch()
    assert needed_files(tmp_path) == files


def test_a_new_file_of_the_instructor_is_packed(tmp_path: Path) -> None:
    """A calibration, say, that is not committed yet; not what git is told to ignore."""
    for path in ("grading/new.json", "grading/ignored.json", "tests/evil/x.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / ".gitignore").write_text("ignored.json\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert needed_files(tmp_path) == ["grading/new.json"]


def test_networks_that_are_pretrained_already_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradescope, "pins", lambda *_: {})
    folders = []
    for name in ("encoder", "resnet50"):
        folder = tmp_path / name
        folder.mkdir()
        mini_file(name, folder).write_bytes(name.encode())
        folders += ["--weights", str(folder)]
    with zipfile.ZipFile(packed(tmp_path, *folders)) as archive:
        assert archive.read("weights/resnet50.safetensors") == b"resnet50"
        assert archive.read("weights/encoder.safetensors") == b"encoder"
        challengers = json.loads(archive.read("autograder.json"))["challengers"]
    assert "resnet50" in challengers
    assert not {"encoder", "alexnet"} & set(challengers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "Q9-9"], "Q9-9"),
        (["--challengers", "resnet51"], "resnet51"),
        (["--challengers", "mobilenet_v2,alexnet"], "alexnet"),
        (["--weights", "."], "--weights"),
        (["--time-limit", "soon"], "soon"),
        (["--profile", "report"], "report"),
    ],
)
def test_bad_usage_is_refused_and_nothing_is_written(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(["gradescope", "--out", str(tmp_path / "a.zip"), *options])
    except SystemExit as error:  # of argparse
        status = error.code
    assert status == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_networks_of_another_torch_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gradescope, "pins", lambda *_: {"torch": "0.1"})
    assert main(["gradescope", "--out", str(tmp_path / "a.zip"), "--weights", str(tmp_path)]) == 2
    assert "the image gets 0.1" in capsys.readouterr().err


def test_the_image_gets_what_the_calibration_was_made_with() -> None:
    configurations = read_assignment().configurations
    assert set(pins("mini", configurations)) == {"torch", "torchvision", "numpy"}
    assert pins("report", configurations) == {}


def test_points_without_a_person() -> None:
    """The other 35 of the 100 are those of discussions."""
    assignment = read_assignment()
    assert most_points(assignment, assignment.configurations) == 65
    merged = [c for c in assignment.configurations if c.id == "Q2-3-merged"]
    assert most_points(assignment, merged) == 7.5


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_good_shell(name: str) -> None:
    expect_good_shell(gradescope.TEMPLATES / name)
