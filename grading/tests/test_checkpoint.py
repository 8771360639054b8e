"""Weight files that a person brings: usual wrappings are undone, and an unusable file is reported in one line."""

import io
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor, nn
from torchvision import models

from grading.backbones.checkpoint import read_weights
from grading.backbones.encoders import mini_vgg_encoder
from grading.backbones.loading import load_classifier
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
from grading.commands.grade import main
from grading.data.arrays import DataError

State = dict[str, Tensor]
FIX = "bring another"


@pytest.fixture(scope="module")
def state() -> State:
    """MobileNetV2 has counters and running statistics, too."""
    torch.manual_seed(0)
    return dict(mini_classifier("mobilenet_v2", PROXY_OUTPUTS).state_dict())


def read(file: Path) -> dict[str, Any]:
    return read_weights("mobilenet_v2", "mini", file, FIX)


def prefixed(prefix: str) -> Callable[[State], State]:
    return lambda state: {prefix + key: tensor for key, tensor in state.items()}


WRAPPINGS: dict[str, Callable[[State], Any]] = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 90, "best_acc1": 0.7},
    "model and optimizer": lambda state: {
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "model": state,
    },
    "model_state_dict": lambda state: {"model_state_dict": state},
    "any other name": lambda state: {"run 7": {"weights of the net": state}},
    "DataParallel": prefixed("module."),
    "compiled": prefixed("_orig_mod."),
    "DataParallel, compiled, in a trainer": lambda state: {"state_dict": prefixed("module._orig_mod.model.")(state)},
    "DataParallel of the features": lambda state: {
        key.replace("features.", "features.module."): tensor for key, tensor in state.items()
    },
    "beside another network": lambda state: {**prefixed("backbone.")(state), "criterion.weight": torch.ones(2)},
    "float64": lambda state: {key: t.double() if t.is_floating_point() else t for key, t in state.items()},
    "parameters": lambda state: {key: nn.Parameter(t) if t.is_floating_point() else t for key, t in state.items()},
    "counted operations": lambda state: {
        **state,
        "total_ops": torch.zeros(1),
        "features.0.total_params": torch.ones(1),
    },
    "no counters": lambda state: {key: tensor for key, tensor in state.items() if "num_batches" not in key},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("legacy", [False, True])
def test_usual_wrappings_are_undone(wrapping: str, legacy: bool, state: State, tmp_path: Path) -> None:
    torch.save(WRAPPINGS[wrapping](state), tmp_path / "net.pth", _use_new_zipfile_serialization=not legacy)
    expect_equal(read(tmp_path / "net.pth"), state)


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
@pytest.mark.parametrize("wrapping", ["plain", "DataParallel"])
def test_the_content_decides_the_format(name: str, wrapping: str, state: State, tmp_path: Path) -> None:
    save_file({key: t.contiguous() for key, t in WRAPPINGS[wrapping](state).items()}, tmp_path / name)
    expect_equal(read(tmp_path / name), state)


def expect_equal(arrays: dict[str, Any], state: State) -> None:
    assert list(arrays) == list(state)
    for key, tensor in state.items():
        assert torch.equal(torch.from_numpy(arrays[key]), tensor), key
    load_classifier("mini", "mobilenet_v2", arrays, pretrained=True)


@pytest.mark.parametrize("prefix", ["features.", "", "module.features.", "vgg.features."])
def test_the_convolutions_of_the_encoder_alone(prefix: str, tmp_path: Path) -> None:
    expected = mini_vgg_encoder().state_dict()
    torch.save(
        {key.replace("features.", prefix): tensor.half() for key, tensor in expected.items()}, tmp_path / "vgg.pth"
    )
    arrays = read_weights("encoder", "mini", tmp_path / "vgg.pth", FIX)
    assert list(arrays) == list(expected)
    assert all(torch.equal(torch.from_numpy(arrays[key]), expected[key].half().float()) for key in expected)


def test_densenets_old_names(tmp_path: Path) -> None:
    expected = mini_classifier("densenet121", PROXY_OUTPUTS).state_dict()
    old = {key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): tensor for key, tensor in expected.items()}
    assert set(old) != set(expected)
    torch.save(old, tmp_path / "densenet.pth")
    assert list(read_weights("densenet121", "mini", tmp_path / "densenet.pth", FIX)) == list(expected)


@pytest.mark.parametrize("name", ["mnasnet0_5", "shufflenet_v2_x0_5", "regnet_y_400mf", "squeezenet1_1"])
def test_every_family_takes_its_own_weights(name: str, tmp_path: Path) -> None:
    expected = mini_classifier(name, PROXY_OUTPUTS).state_dict()
    torch.save(expected, tmp_path / "net.pth")
    loaded = load_classifier("mini", name, read_weights(name, "mini", tmp_path / "net.pth", FIX), pretrained=True)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.state_dict().items())


def saved(value: Any, *, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def zipped(_: State) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mobilenet_v2.pth", "hello")
    return file.getvalue()


def scripted(_: State) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch advises against TorchScript by now
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), file)
    return file.getvalue()


def with_nan(state: State) -> bytes:
    return saved({**state, "classifier.1.bias": torch.full_like(state["classifier.1.bias"], torch.nan)})


UNUSABLE: dict[str, tuple[Callable[[State], bytes], str]] = {
    "empty": (lambda _: b"", "an empty file"),
    "truncated": (lambda state: saved(state)[:50_000], "damaged, truncated"),
    "truncated in the last bytes": (lambda state: saved(state)[:-30], "damaged, truncated"),
    "truncated, of the old format": (lambda state: saved(state, legacy=True)[:50_000], "damaged, truncated"),
    "truncated safetensors": (lambda state: save(state)[:50_000], "damaged, truncated"),
    "ten bytes of safetensors": (lambda state: save(state)[:10], "damaged, truncated"),
    "Git LFS": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 14212972\n", "git lfs pull"),
    "a web page": (lambda _: b"\n<!DOCTYPE html><html>404", "a web page"),
    "an error of a server": (lambda _: b'{"error": "not found"}', "damaged"),
    "XML": (lambda _: b'<?xml version="1.0"?><Error>AccessDenied</Error>', "a web page"),
    "noise": (lambda _: bytes(range(256)) * 40, "damaged"),
    "a text": (lambda _: b"see the other folder\n", "damaged"),
    "another archive": (zipped, "damaged"),
    "a whole model": (lambda _: saved(nn.Linear(2, 2)), "never unpickled"),
    "a whole model, of the old format": (lambda _: saved(nn.Linear(2, 2), legacy=True), "never unpickled"),
    "a function": (lambda _: saved({"weight": print}), "never unpickled"),
    "TorchScript": (scripted, "never unpickled|it holds a RecursiveScriptModule"),
    "a tensor": (lambda _: saved(torch.zeros(3)), "it holds a Tensor"),
    "nothing": (lambda _: saved({}), "it holds nothing"),
    "another network": (lambda _: saved(models.resnet18().state_dict()), r"it holds conv1.weight, bn1.weight, "),
    "another width": (lambda _: saved(models.mobilenet_v2().state_dict()), "tensors are missing"),
    "another head": (
        lambda state: saved({**state, "classifier.1.weight": torch.zeros(2, 192)}),
        r"classifier.1.weight is \(2, 192\) in place of \(28, ",
    ),
    "half of it": (lambda state: saved(dict(list(state.items())[:100])), r"\d+ of \d+ tensors are missing, such as"),
    "a layer more": (lambda state: saved({**state, "attention.weight": torch.ones(3)}), "it has attention.weight"),
    "integers": (lambda state: saved({**state, "classifier.1.bias": torch.ones(28).char()}), "holds int8"),
    "not a number": (with_nan, "classifier.1.bias holds NaN"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_file_is_reported_in_one_line(kind: str, state: State, tmp_path: Path) -> None:
    content, why = UNUSABLE[kind]
    for suffix in (".pth", ".safetensors"):
        file = tmp_path / f"mobilenet_v2{suffix}"
        file.write_bytes(content(state))
        with pytest.raises(DataError, match=why if suffix == ".pth" else None) as caught:
            read(file)
        message = str(caught.value).removeprefix(f"{file}: ")
        assert message != str(caught.value)
        assert message.isprintable()
        assert len(message) < 300


@pytest.mark.parametrize("kind", ["nowhere", "folder", "missing", "pipe"])
def test_a_file_that_cannot_be_read_is_reported(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "mobilenet_v2.pth"
    if kind == "nowhere":
        file.symlink_to("nowhere")
    elif kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    with pytest.raises(DataError, match=r"mobilenet_v2\.pth: cannot be read \(.*\); bring another"):
        read(file)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "done"),)

    for legacy in (False, True):
        (tmp_path / "net.pth").write_bytes(saved({"state_dict": Evil()}, legacy=legacy))
        with pytest.raises(DataError, match="never unpickled"):
            read(tmp_path / "net.pth")
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("kind", ["truncated", "Git LFS", "a whole model", "another network", "a web page", "empty"])
def test_weights_are_read_before_anything_is_written(
    kind: str,
    state: State,
    tiny_camvid: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HW4_CACHE", str(tmp_path / "cache"))
    (tmp_path / "vgg16.pth").write_bytes(UNUSABLE[kind][0](state))
    out = tmp_path / "out"
    command = ["--unsafe", "--profile", "report", "--device", "cpu", "--only", "Q2-1-skips", "--out", str(out)]
    assert main([*command, "--camvid", str(tiny_camvid), "--weights", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {tmp_path}/vgg16.pth: ")
    assert printed.err.count("\n") == 1
    assert "grading fetch weights --classifier vgg16" in printed.err or "state_dict()" in printed.err
    assert not out.exists()
