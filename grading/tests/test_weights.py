"""The backbones' weights come from a folder, a download or a pretraining."""

import re
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from grading.backbones import pretrain, proxy, proxy_streets, weights
from grading.backbones.checkpoint import read_weights
from grading.backbones.encoders import vgg16_encoder
from grading.backbones.loading import load_classifier, load_encoder
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
from grading.backbones.weights import ENCODER, provide
from grading.data.arrays import DataError
from grading.data.drawn_faces import draw_faces


def provided(name: str, folder: Path | None, cache: Path) -> str:
    return provide([name], "report", folder, cache, print)[name]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("alexnet", "alexnet-owt-7be5be79.pth"),
        ("mobilenet_v2", "mobilenet_v2.safetensors"),
        (ENCODER, "vgg16-397923af.pth"),
        (ENCODER, "vgg16_some_features.safetensors"),
        (ENCODER, "vgg16_features-amdegroot-88682ab5.pth"),
        ("vgg16", "vgg16-397923af.pth"),
        ("alexnet", "alexnet.pth.tar"),
        ("alexnet", "alexnet.PTH"),
        ("efficientnet_b0", "efficientnet_b0_rwightman-7f5810bc.pth"),
        ("shufflenet_v2_x0_5", "shufflenetv2_x0.5-f707e7126e.pth"),
        ("mnasnet0_5", "mnasnet0.5_top1_67.823-3ffadce67e.pth"),
        ("regnet_y_16gf", "regnet_y_16gf-9e6ed7dd.pth"),
    ],
)
def test_weights_are_found_by_torchvisions_name(name: str, file: str, tmp_path: Path) -> None:
    others = ("vgg16_bn-6c64b313.pth", "notes.txt", "alexnet.txt", "vgg16.txt", "regnet_y_16gf_swag-43afe44d.pth")
    for other in (*others, file):
        (tmp_path / other).touch()
    assert provided(name, tmp_path, tmp_path / "cache") == str(tmp_path / file)


def test_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no weights for vgg16.*python -m grading fetch weights --classifier vgg16"):
        provided(ENCODER, tmp_path, tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        provided("alexnet", tmp_path / "nowhere", tmp_path)


def test_the_whole_vgg16_comes_before_its_features(tmp_path: Path) -> None:
    for file in ("vgg16_features-amdegroot-88682ab5.pth", "vgg16-397923af.pth"):
        (tmp_path / file).touch()
    assert provided(ENCODER, tmp_path, tmp_path) == str(tmp_path / "vgg16-397923af.pth")


def test_features_are_no_classifier(tmp_path: Path) -> None:
    (tmp_path / "vgg16_features-amdegroot-88682ab5.pth").touch()
    with pytest.raises(DataError, match="no weights for vgg16"):
        provided("vgg16", tmp_path, tmp_path)


def test_a_failed_download_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "grading.data.download.weights_url", lambda _name: "http://127.0.0.1:9/alexnet-owt-7be5be79.pth"
    )
    with pytest.raises(DataError, match=r"python -m grading fetch weights --classifier alexnet .*--weights DIR"):
        provided("alexnet", None, tmp_path)


def test_the_encoder_takes_vgg16s_convolutions(tmp_path: Path) -> None:
    state = {name: torch.randn_like(tensor).half() for name, tensor in vgg16_encoder().state_dict().items()}
    save_file({**state, "classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg16.safetensors")
    encoder = load_encoder("report", read_weights(ENCODER, "report", tmp_path / "vgg16.safetensors", ""))
    assert encoder.channels == (64, 128, 256, 512, 512)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, state[name].float())
    taps = encoder(torch.zeros(1, 3, 64, 96))
    assert {name: tuple(tap.shape) for name, tap in taps.items()} == {
        f"x{level}": (1, width, 64 // 2**level, 96 // 2**level) for level, width in enumerate(encoder.channels, start=1)
    }


def test_an_incomplete_file_is_refused(tmp_path: Path) -> None:
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg16.safetensors")
    with pytest.raises(DataError, match=r"25 of 26 tensors are missing, such as features\.0\.bias"):
        read_weights(ENCODER, "report", tmp_path / "vgg16.safetensors", "")


def test_weights_that_were_not_provided_cannot_be_loaded() -> None:
    with pytest.raises(ValueError, match="no pretrained weights"):
        load_classifier("mini", "vgg11", None, pretrained=True)


STUB = """
import pathlib, sys, time
for line in {lines!r}:
    print(line, flush=True)
if {succeeds}:
    pathlib.Path(sys.argv[2]).touch()
sys.exit(not {succeeds})
"""


def replace_pretraining(lines: list[str], succeeds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PRETRAIN", [sys.executable, "-c", STUB.format(lines=lines, succeeds=succeeds)])
    monkeypatch.setattr(weights, "SECONDS_BETWEEN", 0.0)


def test_pretraining_reports_its_time_and_existing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["progress 0 16 240.0", "a warning", "progress 4 16 90.0", "progress 16 16 0.0"]
    replace_pretraining(lines, True, monkeypatch)
    provide(["alexnet"], "mini", None, tmp_path, lambda _: None)
    lines_printed: list[str] = []
    provide(["vgg11", "alexnet"], "mini", None, tmp_path, lines_printed.append)
    assert lines_printed[:3] == [
        "pretraining vgg11 on drawn pictures, once; alexnet is there already",
        "pretraining vgg11: about 4 min",
        "pretraining vgg11: epoch 4 of 16, about 90 s left",
    ]
    assert re.fullmatch(r"pretraining vgg11: done in \d+ s", lines_printed[3])
    assert len(lines_printed) == 4
    provide(["vgg11", "alexnet"], "mini", None, tmp_path, lines_printed.append)
    assert len(lines_printed) == 4


def test_a_pretraining_that_fails_gives_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_pretraining(["progress 0 16 240.0", "Traceback ...", "MemoryError: no room"], False, monkeypatch)
    with pytest.raises(DataError, match=r"pretraining vgg11 failed: MemoryError: no room$"):
        provide(["vgg11"], "mini", None, tmp_path, lambda _: None)


@pytest.mark.parametrize("name", ["mobilenet_v2", "encoder"])
def test_the_pretraining_reports_every_epoch(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proxy, "FACES", 64)
    monkeypatch.setattr(proxy, "EPOCHS", 2)
    monkeypatch.setattr(proxy_streets, "STREETS", 64)
    monkeypatch.setattr(proxy_streets, "EPOCHS", 2)
    threads = torch.get_num_threads()
    try:
        pretrain.main(name, str(tmp_path / "net.safetensors"))
    finally:
        torch.set_num_threads(threads)
    reports = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:3] for line in reports] == [["progress", str(done), "2"] for done in range(3)]
    assert all(float(line[3]) > 0 for line in reports[:2])
    assert float(reports[2][3]) == 0
    read_weights(name, "mini", tmp_path / "net.safetensors", "")


def test_squeezenet_learns_below_zero_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision's SqueezeNet has a ReLU behind its head, which would stop the gradient of logits below 0."""
    built = mini_classifier("squeezenet1_1", PROXY_OUTPUTS)
    monkeypatch.setattr(proxy, "mini_classifier", lambda *_: built)
    monkeypatch.setattr(proxy, "EPOCHS", 1)
    state = proxy.pretrain_classifier("squeezenet1_1", draw_faces(64, 0))
    assert (built(torch.zeros(64, 3, 64, 64).normal_()) < 0).any()
    mini_classifier("squeezenet1_1", PROXY_OUTPUTS).load_state_dict(state)
