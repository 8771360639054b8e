"""`--open` opens the report, and neither fails nor waits."""

import stat
import subprocess
import time
from pathlib import Path

import pytest

from grading.commands.browser import open_in_browser
from grading.commands.grade import main
from grading.tests.waiting import wait_until

pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="where a browser is named by variables")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A report in a folder with a name that a URL escapes."""
    folder = tmp_path / "my results ö #1"
    folder.mkdir()
    (folder / "report.html").touch()
    return folder / "report.html"


def browser(folder: Path, script: str) -> str:
    program = folder / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_the_browser_gets_the_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", browser(tmp_path, f'echo "$1" >{tmp_path}/opened'))
    assert open_in_browser(page)
    assert wait_until(lambda: (tmp_path / "opened").exists() and bool((tmp_path / "opened").read_text()), 20)
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()


def test_a_browser_that_stays_open_is_not_waited_for(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", browser(tmp_path, f"touch {tmp_path}/begun; sleep 60"))
    start = time.monotonic()
    assert open_in_browser(page)
    assert time.monotonic() - start < 30
    assert wait_until((tmp_path / "begun").exists, 20)


def test_without_a_display_nothing_is_opened(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert not open_in_browser(page)


def test_a_browser_that_cannot_be_started_is_no_error(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(subprocess, "Popen", full)
    assert not open_in_browser(page)


@pytest.mark.usefixtures("quick_weights")
def test_run_all_opens_the_report_once_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def opens(page: Path) -> bool:
        opened.append(page.read_text("utf-8")[:15])
        return False

    monkeypatch.setattr("grading.commands.grade.open_in_browser", opens)
    monkeypatch.setattr("grading.commands.grade.carry_out_one", lambda *_, **__: None)
    trial = ["--unsafe", "--profile", "mini", "--epochs", "1", "--only", "Q1-1"]
    for options in ([], ["--open"]):
        assert main([*trial, *options, "--out", str(tmp_path / f"out{len(options)}")]) == 3
    assert opened == ["<!doctype html>"]
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("there is no display to open the report on") == 1
    assert lines[-1].startswith("report: ")
