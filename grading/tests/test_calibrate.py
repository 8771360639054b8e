"""A calibration that `grading.commands.calibrate` writes fits the plan that it was measured with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grading.assignment.calibration import read_calibration
from grading.assignment.training_record import Run
from grading.commands.calibrate import write
from grading.commands.grade import parse
from grading.running.conditions import made_elsewhere, misfits
from grading.running.resolve import make_plan


def run(id: str, seed: int, first: float, tail: float) -> Run:
    history = ({"epoch": 1, "loss": 1.0, "accuracy": first}, {"epoch": 2, "loss": 0.5, "accuracy": tail})
    return Run(id, seed, history, 2.0)


def test_a_written_calibration_fits_its_plan_and_keeps_other_configurations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-5", "--seeds", "2"]))
    path = tmp_path / "mini.json"
    path.write_text(json.dumps({"configurations": {"Q1-2": {"kept": True}}}))
    runs = [run(id, seed, 0.6, 0.8 + seed / 100) for id in ("Q1-1", "Q1-5") for seed in range(2)]
    write(path, plan, runs, [("augmentation-gentle", run("Q1-5", 0, 0.7, 0.75))])
    table = json.loads(path.read_text())["configurations"]
    assert table.pop("Q1-2") == {"kept": True}
    path.write_text(json.dumps({"configurations": table}))
    monkeypatch.setattr("grading.assignment.calibration.FOLDER", tmp_path)
    read_calibration.cache_clear()
    try:
        calibration = read_calibration("mini")
    finally:
        read_calibration.cache_clear()
    assert calibration is not None
    assert misfits(plan, calibration) == {}
    assert made_elsewhere(calibration["Q1-1"], plan.device) is None
    assert calibration["Q1-1"].least_progress == pytest.approx(0.2)
    assert calibration["Q1-5"].least_progress == pytest.approx(0.05)
    of_one_image = replace(
        calibration["Q1-1"], conditions={**calibration["Q1-1"].conditions, "images": {"training": 1}}
    )
    assert set(misfits(plan, {**calibration, "Q1-1": of_one_image})) == {"Q1-1"}


def test_without_other_designs_those_of_the_same_conditions_are_kept(tmp_path: Path) -> None:
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-5", "--seeds", "2"]))
    path = tmp_path / "mini.json"
    design = ("augmentation-gentle", run("Q1-5", 0, 0.7, 0.75))
    reference = [run("Q1-5", seed, 0.6, 0.8 + seed / 100) for seed in range(2)]
    write(path, plan, reference, [design])
    better = [run("Q1-5", seed, 0.5, 0.9 + seed / 100) for seed in range(2)]
    write(path, plan, better, None)
    entry = json.loads(path.read_text())["configurations"]["Q1-5"]
    assert entry["tails"] == [0.9, 0.91]
    assert entry["designs"] == {"augmentation-gentle": 0.75}
    assert entry["design_early"] == {"augmentation-gentle": 0.7}
    assert entry["least_progress"] == pytest.approx(0.05), "the design's"

    table = json.loads(path.read_text())
    table["configurations"]["Q1-5"]["conditions"]["metric"] = "another"
    path.write_text(json.dumps(table))
    write(path, plan, better, None)
    entry = json.loads(path.read_text())["configurations"]["Q1-5"]
    assert entry["designs"] == {}
    assert entry["least_progress"] == pytest.approx(0.4)
