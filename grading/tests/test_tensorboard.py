"""What TensorBoard shows of a run."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grading.assignment.api_test_record import NOT_RUN
from grading.assignment.training_record import Run
from grading.commands.grade import main, parse
from grading.reporting.collect import results_of
from grading.reporting.results import Results
from grading.reporting.tensorboard import NoTensorBoard, TensorBoard
from grading.reporting.tensorboard_pictures import pictures_of
from grading.running.evidence import Answers, Draws, answers_file, draws_file
from grading.running.resolve import make_plan
from grading.scoring.metrics import IGNORED
from grading.tests.test_results import finished_run

pytest.importorskip("tensorboard", reason="an extra: pip install -e '.[tensorboard]'")

TRIAL = ["--unsafe", "--profile", "mini", "--epochs", "2", "--limit", "12", "--seeds", "1", "--only", "Q1-1"]


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """By name, steps and values of all curves in a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, round(e.value, 4)) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_every_epoch_is_shown(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([finished_run("Q1-1", 0, 0.8)])
    board.epoch("Q1-2", 1, {"epoch": 1, "loss": 0.5, "accuracy": 0.75})
    expected = {"loss": [(1, 0.5)], "accuracy": [(1, 0.75)]}
    assert curves(tmp_path / "Q1-2" / "seed 1") == expected, "they can be watched while the run goes on"
    board.close()
    assert curves(tmp_path / "Q1-1" / "seed 0")["accuracy"] == [(1, 0.6), (2, 0.75), (3, 0.8)]
    assert board.lost is None


def test_a_training_that_is_repeated_is_shown_once(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([])
    for value in (0.1, 0.9):
        for epoch in (1, 2):
            board.epoch("Q1-1", 0, {"epoch": epoch, "accuracy": value})
    board.close()
    again = TensorBoard(tmp_path)
    again.take_in([Run("Q1-1", 0, ({"epoch": 1, "accuracy": 0.9}, {"epoch": 2, "accuracy": 0.9}), 1.0)])
    again.close()
    assert curves(tmp_path / "Q1-1" / "seed 0") == {"accuracy": [(1, 0.9), (2, 0.9)]}


def shown_pictures(folder: Path) -> dict[str, Image.Image]:
    """By name, the pictures in a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "pictures"))
    events.Reload()
    return {
        tag: Image.open(io.BytesIO(events.Images(tag)[0].encoded_image_string)).convert("RGB")
        for tag in events.Tags()["images"]
    }


def results_with_evidence(folder: Path) -> Results:
    """A finished training of a face and of a street configuration, and what they left to look at."""
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q2-3-merged"]))
    streets = finished_run("Q2-3-merged", 0, 0.8)
    history = tuple({**epoch, "miou_standard": epoch["accuracy"]} for epoch in streets.history)
    runs = [finished_run("Q1-1", 0, 0.8), replace(streets, history=history)]
    images = np.full((2, 6, 8, 3), 50, np.uint8)
    labels = np.zeros((2, 6, 8), np.uint8)
    labels[:, 0] = IGNORED
    Answers(np.eye(3, dtype=np.int64), images, labels, np.ones((2, 6, 8), np.uint8), None).write(
        answers_file(folder, "Q2-3-merged")
    )
    sure, one = np.ones(2, np.float32), np.ones(2, np.uint8)
    Answers(np.eye(2, dtype=np.int64), images + 50, 0 * one, one, sure).write(answers_file(folder, "Q1-1"))
    draws = np.stack([np.full((2, 4, 4, 3), 10 * draw, np.uint8) for draw in range(3)], axis=1)
    Draws(draws[:, 0], draws, draws[:0]).write(draws_file(folder))
    return results_of(plan, {(run.configuration, run.seed): run for run in runs}, NOT_RUN, 1.0)


def test_the_pictures_of_a_run(tmp_path: Path) -> None:
    results = results_with_evidence(tmp_path)
    board = TensorBoard(tmp_path / "logs")
    board.take_in([])
    board.close(lambda: pictures_of(results, tmp_path))
    assert board.lost is None
    shown = shown_pictures(tmp_path / "logs")
    names = {"answers/Q2-3-merged", "mistakes/Q1-1", "augmentation/default"}
    assert set(shown) == {f"{name}/{number}" for name in names for number in range(2)}
    street = shown["answers/Q2-3-merged/0"]
    assert street.size == (3 * 8, 6)
    picture, void, true, predicted = (street.getpixel(place) for place in ((0, 0), (8, 0), (8, 1), (16, 1)))
    assert picture == (50, 50, 50)
    assert len({void, true, predicted}) == 3
    assert shown["mistakes/Q1-1/1"].getpixel((0, 0)) == (100, 100, 100)
    faces = shown["augmentation/default/0"]
    assert [faces.getpixel((4 * draw, 0)) for draw in range(3)] == [(10 * draw,) * 3 for draw in range(3)]


def test_damaged_evidence_costs_its_own_pictures(tmp_path: Path) -> None:
    results = results_with_evidence(tmp_path)
    for path in (answers_file(tmp_path, "Q1-1"), draws_file(tmp_path)):
        path.write_bytes(path.read_bytes()[:60])
    assert set(pictures_of(results, tmp_path)) == {"answers/Q2-3-merged"}


def test_pictures_that_cannot_be_made_are_told(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([finished_run("Q1-1", 0, 0.8)])
    board.close(lambda: {"overlays": np.zeros(1 // 0, np.uint8)})
    assert board.lost is not None
    assert len(curves(tmp_path / "Q1-1" / "seed 0")["loss"]) == 3


def test_a_folder_that_cannot_be_written_costs_no_training(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([])
    (tmp_path / "Q1-1").write_text("a file is in the way")
    for epoch in (1, 2):
        board.epoch("Q1-1", 0, {"epoch": epoch, "loss": 0.5})
    board.finished(finished_run("Q1-1", 0, 0.8))
    board.close()
    assert board.lost is not None
    assert "a part of what TensorBoard shows is missing" in board.lost


def test_without_tensorboard_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(NoTensorBoard):
        TensorBoard(tmp_path)
    assert main([*TRIAL, "--tensorboard", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        'error: --tensorboard: TensorBoard is not installed: pip install -e ".[tensorboard]"\n'
    )
    assert not (tmp_path / "out").exists()


def test_a_submission_is_no_folder_for_tensorboard(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--tensorboard hw4` means the submission hw4, but argparse takes it for the folder."""
    before = sorted((repository / "hw4").iterdir())
    assert main([*TRIAL, "--tensorboard", str(repository / "hw4"), "--out", str(tmp_path / "out")]) == 2
    assert "is a submission; name that first, or give --tensorboard=DIR" in capsys.readouterr().err
    assert sorted((repository / "hw4").iterdir()) == before


@pytest.mark.slow
@pytest.mark.usefixtures("quick_weights")
def test_a_run_writes_for_tensorboard(tmp_path: Path) -> None:
    out = tmp_path / "out ö"
    assert main([*TRIAL, "--tensorboard", "--out", str(out)]) == 3
    shown = curves(out / "tensorboard" / "Q1-1" / "seed 0")
    assert [step for step, _ in shown["accuracy"]] == [1, 2]
    assert main([*TRIAL, "--tensorboard", str(tmp_path / "logs"), "--out", str(out), "--resume"]) == 3
    assert curves(tmp_path / "logs" / "Q1-1" / "seed 0") == shown
