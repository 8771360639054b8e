"""A calibration counts only under the conditions in which it was measured; other versions are noted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grading.assignment.api_test_record import NOT_RUN
from grading.assignment.assignment import FILE, Assignment, read_assignment
from grading.assignment.calibration import FOLDER, CalibrationError, read_calibration
from grading.assignment.training_record import Run
from grading.commands.grade import exit_status, main, parse
from grading.reporting.collect import results_of
from grading.reporting.gradescope import results_json
from grading.reporting.html import report_html
from grading.running.conditions import differences, misfits
from grading.running.needed import expectations, needed
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.verdicts.expectation import expectation_of
from grading.verdicts.verdict import judge

# Changes that an instructor may make: a text of assignment.toml, its replacement, the configurations that it affects,
# and a part of the reason that must be given.
FACES = {"Q1-1", "Q1-2", "Q1-3"}
CHANGES = {
    "fewer epochs": (
        "[protocols.faces.mini]\nepochs = 20",
        "[protocols.faces.mini]\nepochs = 4",
        FACES,
        "protocol: epochs 4, not 20",
    ),
    "another rate": ("lr = 0.007", "lr = 0.07", FACES, "protocol: optimizer: lr 0.07, not 0.007"),
    "another scheduler": ("step_size = 14", "step_size = 1", {"Q2-3-merged"}, "scheduler: step_size 1, not 14"),
    "other groups": ("[2, 2], [6, 2]", "[2, 0], [6, 2]", {"Q2-3-merged"}, "classes: other mapping"),
    "a group left out": ("[9, 2], [10, 2]]", "[9, 2]]", {"Q2-3-merged"}, "classes: other mapping"),
    "fewer pictures": ("train_faces = 320", "train_faces = 32", {*FACES, "Q1-8"}, "images: training 32, not 320"),
    "other required tests": (
        "test_(backbone|the_right).*scratch",
        "test_backbone.*scratch",
        {"Q1-3"},
        "required tests",
    ),
}


def assignment(folder: Path, change: str) -> Assignment:
    """assignment.toml with one change."""
    before, after, _, _ = CHANGES[change]
    text = FILE.read_text(encoding="utf-8")
    assert before in text
    path = folder / "assignment.toml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return read_assignment(path)


@pytest.fixture(params=CHANGES)
def changed(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Plan, set[str], str]:
    """A plan of all configurations under a change, those that it affects, and a part of the reason."""
    read = assignment(tmp_path, request.param)
    monkeypatch.setattr("grading.running.resolve.read_assignment", lambda: read)
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-2,Q1-3,Q1-8,Q2-3-merged"]))
    _, _, affected, reason = CHANGES[request.param]
    return plan, affected, reason


def finished_run(plan: Plan, id: str, seed: int, value: float) -> Run:
    c = plan.assignment.configuration(id)
    images = len(plan.datasets[c.task].validation_images)
    counts = {"right": np.full((images, 2), value), "union": np.ones((images, 2)), "ignored": np.zeros((images, 2))}
    metrics = dict.fromkeys(("accuracy", "miou_reported", "accuracy_reported", "miou_standard"), value)
    if c.control:
        metrics = {"obeyed": 0.9, "mistaken": 0.1}
    history = tuple(
        {"epoch": epoch, "loss": 1.0, "other": seed, **{name: share * best for name, best in metrics.items()}}
        for epoch, share in enumerate((0.7, 0.9, 1.0), start=1)
    )
    return Run(id, seed, history, 1.0, counts_by_image={name: part.tolist() for name, part in counts.items()})


def test_numbers_of_other_conditions_fail_nobody(changed: tuple[Plan, set[str], str]) -> None:
    plan, affected, reason = changed
    ids = [c.id for c in plan.configurations]
    runs = {(id, seed): finished_run(plan, id, seed, 0.2 + seed / 1000) for id in ids for seed in range(plan.seeds)}
    runs |= {(control.id, 0): finished_run(plan, control.id, 0, 0.0) for control in plan.controls}
    results = results_of(plan, runs, NOT_RUN, 1.0)
    for id in affected:
        outcome = results.outcomes[id]
        assert outcome.verdict == "REVIEW"
        assert outcome.credit == 1
        assert reason in outcome.reason
        assert f"recalibrate: python -m grading calibrate --profile mini --seeds 20 --only {id}" in outcome.reason
        assert len(outcome.runs) == 2
    others = {id: outcome.verdict for id, outcome in results.outcomes.items() if id not in affected}
    assert set(others.values()) <= {"FAIL"}
    assert all(relation.holds for relation in results.relations if {relation.relation.worse} & affected)
    assert "recalibrate" in report_html(results)
    listed = json.loads(results_json(results))["extra_data"]["configurations"]
    assert {entry["id"] for entry in listed if entry["threshold"] is None} == affected


def test_control_gaps_of_other_conditions_accuse_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = assignment(tmp_path, "fewer pictures")
    monkeypatch.setattr("grading.running.resolve.read_assignment", lambda: read)
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-8"]))
    runs = {("Q1-8", seed): finished_run(plan, "Q1-8", seed, 0.95) for seed in range(2)}
    learned_nothing = Run("Q1-8-control", 0, ({"epoch": 1, "loss": 0.7, "obeyed": 0.1, "mistaken": 0.1},), 1.0)
    results = results_of(plan, runs | {("Q1-8-control", 0): learned_nothing}, NOT_RUN, 1.0)
    assert [(control.gap, control.least_gap, control.why) for control in results.controls] == [(0, None, None)]
    assert "not measured" in report_html(results)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini"]))


def test_the_shipped_calibration_fits_the_shipped_assignment(plan: Plan) -> None:
    assert misfits(plan, read_calibration("mini")) == {}
    assert len(needed(plan, {})) == 2 * len(plan.configurations) + len({control.task for control in plan.controls})


def test_a_missing_calibration_fits_no_configuration(plan: Plan) -> None:
    calibration = dict(read_calibration("mini") or {})
    del calibration["Q1-1"]
    calibration["Q1-2"] = replace(calibration["Q1-2"], conditions={})
    reasons = misfits(plan, calibration)
    assert set(reasons) == {"Q1-1", "Q1-2"}
    assert all("recalibrate: python -m grading calibrate" in why for why in reasons.values())


def test_a_metric_that_was_not_measured_is_left_to_a_person(plan: Plan) -> None:
    calibration = dict(read_calibration("mini") or {})
    calibration["Q1-1"] = replace(calibration["Q1-1"], metrics={})
    configuration, rule = plan.assignment.configuration("Q1-1"), plan.assignment.gate
    expectation = expectation_of(configuration, plan.profile, calibration, rule, "metric accuracy, not f1")
    runs = [finished_run(plan, "Q1-1", seed, 0.1) for seed in range(2)]
    assert judge(configuration, runs, expectation, seeds=2, withheld=None).verdict == "REVIEW"


def test_differences() -> None:
    measured = {"protocol": {"epochs": 20, "crop": 64}, "data": "a", "augmentation": "face", "old": 1}
    here = {"protocol": {"epochs": 4, "crop": 64}, "data": "b", "augmentation": None}
    assert list(differences(measured, here)) == [
        "augmentation None, not face",
        "other data",
        "old None, not 1",
        "protocol: epochs 4, not 20",
    ]


@pytest.mark.parametrize("name", ["torch", "torchvision", "numpy", "hardware"])
def test_another_machine_is_noted_and_changes_no_verdict(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    calibration = read_calibration("mini")
    assert calibration is not None
    made_elsewhere = {
        id: replace(measured, made_with={**measured.made_with, name: "another"}) for id, measured in calibration.items()
    }
    plan = replace(plan, configurations=tuple(c for c in plan.configurations if c.id == "Q1-1"))
    runs = {("Q1-1", seed): finished_run(plan, "Q1-1", seed, 0.86) for seed in range(2)}
    runs |= {(control.id, 0): finished_run(plan, control.id, 0, 0.0) for control in plan.controls}
    monkeypatch.setattr("grading.reporting.collect.read_calibration", lambda _: made_elsewhere)
    results = results_of(plan, runs, NOT_RUN, 1.0)
    (note,) = [note for note in results.calibration_notes if name in note]
    assert f"{name} another (here " in note
    assert results.outcomes["Q1-1"].verdict == "PASS"
    assert exit_status(results) == 0
    assert note in report_html(results)
    assert note in json.loads(results_json(results))["extra_data"]["calibration_notes"]


def test_a_calibration_that_cannot_be_read_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("grading.assignment.calibration.FOLDER", tmp_path)
    (tmp_path / "mini.json").write_text((FOLDER / "mini.json").read_text()[:999])
    read_calibration.cache_clear()
    try:
        with pytest.raises(CalibrationError):
            read_calibration("mini")
        assert main(["--unsafe", "--profile", "mini"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    finally:
        read_calibration.cache_clear()


def test_expectations_of_a_misfit_show_no_power(changed: tuple[Plan, set[str], str]) -> None:
    plan, affected, _ = changed
    assert all(expectations(plan)[id].power is None for id in affected)
