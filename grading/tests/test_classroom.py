"""The workflow for GitHub Classroom, and the points that it reports."""

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from grading.assignment.test_ids import listed_tests
from grading.commands.package import main
from grading.platforms import classroom
from grading.tests.good_shell import expect_good_shell


@pytest.mark.parametrize("options", [[], ["--train", "--only", "Q1-1,Q2-3", "--seeds", "2", "--time-limit", "1h"]])
def test_the_workflow_is_one_that_github_reads(options: list[str], tmp_path: Path) -> None:
    assert main(["github", "--out", str(tmp_path), *options]) == 0
    text = (tmp_path / ".github/workflows/classroom.yml").read_text()
    assert "@" not in re.sub(r"uses: \S+@v\d+", "", text)
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    assert workflow["env"]["TRAINS"] == ("true" if options else "false")
    assert 15 < job["timeout-minutes"] <= 360
    for number, step in enumerate(job["steps"]):
        assert ("uses" in step) != ("run" in step)
        if "run" in step:
            script = tmp_path / f"{number}.sh"
            script.write_text(f"#!/bin/sh\n{step['run']}")
            expect_good_shell(script)
    outputs = {step["id"] for step in job["steps"] if "id" in step}
    assert set(re.findall(r"steps\.(\w+)\.outputs", text)) == outputs
    if options:
        assert "--only Q1-1,Q2-3 --seeds 2 --time-limit 3600s" in text
        assert "-m 'q1_1 or q2_3' --records" in text
        assert "classroom results Q1-1 Q2-3" in text


def test_the_workflow_may_be_written_into_a_file(tmp_path: Path) -> None:
    assert main(["github", "--out", str(tmp_path / "classroom.yml")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["classroom.yml"]


def test_a_workflow_that_would_do_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Q1-6 has no tests of its own."""
    assert main(["github", "--out", str(tmp_path), "--only", "Q1-6"]) == 2
    assert "--train" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main(["github", "--out", str(tmp_path), "--only", "Q1-6", "--train"]) == 0


QUESTIONS = ("Q1-1", "Q1-2", "Q1-3", "Q1-5", "Q1-8", "Q2-1", "Q2-3")


def tell(folder: Path, monkeypatch: pytest.MonkeyPatch, questions: Sequence[str] | None = None) -> dict[str, Any]:
    """What GitHub Classroom's reporter reads of a run."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary"))
    assert classroom.main(folder, QUESTIONS if questions is None else questions) == 0
    assert " in all" in (folder / "summary").read_text()
    name, _, value = (folder / "output").read_text().rstrip("\n").partition("=")
    assert name == "result"
    result: dict[str, Any] = json.loads(base64.b64decode(value, validate=True))
    assert set(result) == {"version", "status", "max_score", "tests"}
    return result


def records(failing: str) -> str:
    """What `pytest --records` writes if the tests of one question fail."""
    lines = [{"test": id, "question": question} for id, question in listed_tests().items()]
    lines += [
        {"test": id, "outcome": "FAIL" if question == failing else "PASS"} for id, question in listed_tests().items()
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


@pytest.mark.parametrize(("failing", "score"), [("none", 100), ("Q1-8", 66), ("Q2-3", 83)])
def test_points_of_tests_alone(failing: str, score: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests earn 30 points, those of Q1-8 10 of them and those of Q2-3 5."""
    (tmp_path / "tests.jsonl").write_text(records(failing))
    result = tell(tmp_path, monkeypatch)
    assert (result["tests"][0]["score"], result["max_score"]) == (score, 100)
    assert result["status"] == ("pass" if score == 100 else "fail")


def test_points_of_the_chosen_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [line for line in records("none").splitlines(keepends=True) if "test_classes" in line]
    (tmp_path / "tests.jsonl").write_text("".join(chosen))
    assert tell(tmp_path, monkeypatch, ["Q2-3"])["tests"][0]["score"] == 100


def test_a_part_of_the_tests_earns_nothing_of_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a student's file ends pytest in the middle."""
    whole = records("none").splitlines(keepends=True)
    (tmp_path / "tests.jsonl").write_text("".join(whole[: len(whole) // 2]))
    assert tell(tmp_path, monkeypatch)["tests"][0]["score"] == 0


def test_points_of_a_grading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        {"name": "a", "score": 2.5, "max_score": 2.5},
        {"name": "b", "score": 1.0, "max_score": 5.0},
        {"name": "discussion", "score": 0.0, "max_score": 0.0},
    ]
    (tmp_path / "results.json").write_text(json.dumps({"tests": entries}))
    assert tell(tmp_path, monkeypatch)["tests"][0]["score"] == 46


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_a_run_without_results_has_no_points(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    assert classroom.main(tmp_path, QUESTIONS) == 1
    assert capsys.readouterr().err.startswith("error: ")
