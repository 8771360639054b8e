"""Each benchmark runs at its smallest size, and says what it should."""

import json
import os
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

from grading.protocol.allocator import KEEP_MEMORY
from grading.tests.fresh_python import run_python

pytestmark = pytest.mark.slow


def run(name: str, folder: Path, *options: str) -> CompletedProcess[str]:
    return run_python("-m", "benchmarks", name, *options, folder=folder, environment=os.environ | KEEP_MEMORY)


def tables_of(name: str, repository: Path, written: Path) -> list[dict[str, Any]]:
    """The tables of a benchmark at its smallest size."""
    ended = run(name, repository, "--smallest", "--json", str(written / "tables.json"))
    assert ended.returncode == 0, ended.stderr
    content = json.loads((written / "tables.json").read_text())
    assert content["benchmark"] == name
    tables: list[dict[str, Any]] = content["tables"]
    for table in tables:
        assert table["title"] in ended.stdout
        assert table["rows"]
    return tables


def test_harness(repository: Path, tmp_path: Path) -> None:
    (table,) = tables_of("harness", repository, tmp_path)
    assert [(row["network"], row["phase"]) for row in table["rows"]] == [
        (network, phase)
        for network in ("AlexNet frozen", "AlexNet fine-tuned", "MobileNetV2", "FCN8s")
        for phase in ("train", "predict")
    ]
    for row in table["rows"]:
        assert row["harness / floor"] == pytest.approx(row["harness"]["median"] / row["floor"]["median"])
        assert row["notebook"]["median"] > 0


def test_overhead(repository: Path, tmp_path: Path) -> None:
    steps, faces = tables_of("overhead", repository, tmp_path)
    seconds = {row["step"]: row["time"]["median"] for row in steps["rows"]}
    parts = ("training", "prediction", "wire", "scoring")
    assert seconds["together"] == pytest.approx(sum(seconds[part] for part in parts))
    assert [row["processes"] for row in faces["rows"]] == ["in line", 1, "in line", 1, "in line"]
    assert all(row["same pictures"] == "yes" for row in faces["rows"])


def test_metrics(repository: Path, tmp_path: Path) -> None:
    (table,) = tables_of("metrics", repository, tmp_path)
    assert {"grader", "solutions", "torchmetrics"} <= {row["implementation"] for row in table["rows"]}
    assert not table["notes"]  # all agree


def test_student(repository: Path, tmp_path: Path) -> None:
    commands, probes = tables_of("student", repository, tmp_path)
    assert [row["command"] for row in commands["rows"]] == ["python grading/run_all.py --help"]
    assert len(probes["rows"]) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", ["gpu", "harness"])
def test_without_a_gpu_a_check_for_one_says_so_in_one_line(repository: Path, name: str) -> None:
    ended = run(name, repository, "--device", "cuda")
    assert ended.returncode == 2
    assert "no GPU" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not ended.stdout
