"""Where the backbones' weights come from."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from grading.backbones.encoders import vgg16_encoder
from grading.backbones.loading import load_classifier, load_encoder
from grading.backbones.weights import ENCODER, provide, read_weights
from grading.data.arrays import DataError


def provided(name: str, folder: Path | None, cache: Path) -> str:
    return provide([name], "report", folder, cache, print)[name]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("alexnet", "alexnet-owt-7be5be79.pth"),
        ("mobilenet_v2", "mobilenet_v2.safetensors"),
        (ENCODER, "vgg16-397923af.pth"),
        (ENCODER, "vgg16_some_features.safetensors"),
    ],
)
def test_weights_are_found_by_torchvisions_name(name: str, file: str, tmp_path: Path) -> None:
    for other in ("vgg16_bn-6c64b313.pth", "notes.txt", "alexnet.txt", file):
        (tmp_path / other).touch()
    assert provided(name, tmp_path, tmp_path / "cache") == str(tmp_path / file)


def test_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no weights for vgg16.*python -m grading\.fetch weights --classifier vgg16"):
        provided(ENCODER, tmp_path, tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        provided("alexnet", tmp_path / "nowhere", tmp_path)


def test_a_failed_download_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.fetch.weights_url", lambda _name: "http://127.0.0.1:9/alexnet-owt-7be5be79.pth")
    with pytest.raises(DataError, match=r"python -m grading\.fetch weights --classifier alexnet .*--weights DIR"):
        provided("alexnet", None, tmp_path)


def test_the_encoder_takes_vgg16s_convolutions(tmp_path: Path) -> None:
    state = {name: torch.randn_like(tensor).half() for name, tensor in vgg16_encoder().state_dict().items()}
    save_file({**state, "classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg16.safetensors")
    encoder = load_encoder("report", read_weights(ENCODER, tmp_path / "vgg16.safetensors"))
    assert encoder.channels == (64, 128, 256, 512, 512)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, state[name].float())
    taps = encoder(torch.zeros(1, 3, 64, 96))
    assert {name: tuple(tap.shape) for name, tap in taps.items()} == {
        f"x{level}": (1, width, 64 // 2**level, 96 // 2**level) for level, width in enumerate(encoder.channels, start=1)
    }


def test_an_incomplete_file_is_refused(tmp_path: Path) -> None:
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg16.safetensors")
    with pytest.raises(RuntimeError, match="Missing key"):
        load_encoder("report", read_weights(ENCODER, tmp_path / "vgg16.safetensors"))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    torch.save({"weight": print}, tmp_path / "alexnet.pth")
    with pytest.raises(Exception, match="weights_only"):
        read_weights("alexnet", tmp_path / "alexnet.pth")


def test_unprepared_weights(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pretrained weights"):
        load_classifier("mini", "vgg11", None, pretrained=True)
