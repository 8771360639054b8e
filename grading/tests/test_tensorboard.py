"""What TensorBoard shows of a run."""

import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image

from grading.assignment.training_record import Run
from grading.commands.grade import main
from grading.reporting import tensorboard
from grading.reporting.tensorboard import NoTensorBoard, TensorBoard, pictures_of
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
    board.close({})
    assert curves(tmp_path / "Q1-1" / "seed 0")["accuracy"] == [(1, 0.6), (2, 0.75), (3, 0.8)]
    assert board.lost is None


def test_a_training_that_is_repeated_is_shown_once(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([])
    for value in (0.1, 0.9):
        for epoch in (1, 2):
            board.epoch("Q1-1", 0, {"epoch": epoch, "accuracy": value})
    board.close({})
    again = TensorBoard(tmp_path)
    again.take_in([Run("Q1-1", 0, ({"epoch": 1, "accuracy": 0.9}, {"epoch": 2, "accuracy": 0.9}), 1.0)])
    again.close({})
    assert curves(tmp_path / "Q1-1" / "seed 0") == {"accuracy": [(1, 0.9), (2, 0.9)]}


def picture(kind: str, colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(content, kind)
    return content.getvalue()


def test_pictures_are_shown(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoard(tmp_path)
    board.take_in([])
    board.close({"augmentation": picture("PNG", "red"), "overlays": picture("WEBP", "blue")})
    events = EventAccumulator(str(tmp_path / "pictures"))
    events.Reload()
    assert sorted(events.Tags()["images"]) == ["augmentation", "overlays"]
    (shown,) = events.Images("augmentation")
    with Image.open(io.BytesIO(shown.encoded_image_string)) as image:
        assert (image.size, image.convert("RGB").getpixel((0, 0))) == ((8, 6), (255, 0, 0))


def test_the_pictures_of_a_report_that_are_made_of_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    png = SimpleNamespace(media="image/png", content=b"png")
    svg = SimpleNamespace(media="image/svg+xml", content=b"svg")
    figures = SimpleNamespace(augmentation=png, overlays=None, mistakes={"Q1-1": png, "Q1-2": svg})
    module = ModuleType("of_results")
    monkeypatch.setattr(module, "figures_of", lambda *_: figures, raising=False)
    monkeypatch.setattr(tensorboard, "import_module", lambda _: module)
    assert pictures_of(SimpleNamespace(), tmp_path) == {"augmentation": b"png", "mistakes of Q1-1": b"png"}  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"no picture", picture("PNG", "red")[:40]])
def test_a_picture_that_is_damaged_is_told(content: bytes, tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([])
    board.close({"overlays": content})
    assert board.lost is not None
    assert board.lost.startswith(f"{tmp_path}: ")


def test_a_folder_that_cannot_be_written_costs_no_training(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.take_in([])
    (tmp_path / "Q1-1").write_text("a file is in the way")
    for epoch in (1, 2):
        board.epoch("Q1-1", 0, {"epoch": epoch, "loss": 0.5})
    board.finished(finished_run("Q1-1", 0, 0.8))
    board.close({})
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
