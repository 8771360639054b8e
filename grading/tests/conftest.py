"""Fixtures of the grader's own tests."""

import signal
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from grading import ROOT
from grading.assignment.assignment import read_assignment
from grading.backbones.encoders import mini_vgg_encoder
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
from grading.running.plan import Plan
from grading.sandbox.choose import choose
from grading.tests.forked_sandbox import ForkedSandbox


def pytest_report_header() -> str:
    return f"sandbox: {choose(unsafe=True).tier}"


@pytest.fixture
def forked_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process start their workers in no time; those of other processes take a real sandbox."""
    monkeypatch.setattr("grading.running.resolve.choose", lambda **_: ForkedSandbox())


@pytest.fixture
def few_pictures(forked_sandbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mini profile with few pictures, for tests that do not depend on their number."""
    shipped = read_assignment()
    mini = replace(
        shipped.profiles["mini"],
        train_faces=48,
        validation_faces=40,
        train_streets=32,
        validation_streets=8,
        secret_faces=48,
        secret_streets=12,
    )
    assignment = replace(shipped, profiles={**shipped.profiles, "mini": mini})
    monkeypatch.setattr("grading.running.resolve.read_assignment", lambda: assignment)


def with_few_secret_pictures(plan: Plan) -> Plan:
    """Drawing all of them takes seconds, and so does looking at them."""
    profile = replace(plan.profile, secret_faces=48, secret_streets=12)
    return replace(plan, assignment=replace(plan.assignment, profiles={"mini": profile}))


@pytest.fixture
def quick_weights(few_pictures: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Random weights in place of the proxy pretraining, which takes a minute."""

    def provide(names: Iterable[str], *_: object) -> dict[str, str]:
        return random_weights(tmp_path, names)

    monkeypatch.setattr("grading.running.pretrained.provide", provide)


def random_weights(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Write a file of random weights for each backbone of the mini profile, and return the files by name."""
    files = {}
    torch.manual_seed(1234)  # not the seed of a training: its network from scratch would start from these weights
    for name in names:
        model = mini_vgg_encoder() if name == "encoder" else mini_classifier(name, PROXY_OUTPUTS)
        files[name] = str(folder / f"{name}.safetensors")
        save_file({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, files[name])
    return files


@pytest.fixture
def tiny_camvid(tmp_path: Path) -> Path:
    """Three training and two validation images of 256 x 256, in CamVid's layout, without lists."""
    for part, count in (("train", 3), ("val", 2)):
        for number in range(count):
            pixels = np.full((256, 256, 3), 40 * number, np.uint8)
            for kind, content in ((part, pixels), (f"{part}annot", pixels[..., 0] % 12)):
                (tmp_path / "CamVid" / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(content).save(tmp_path / "CamVid" / kind / f"{number}.png")
    return tmp_path / "CamVid"


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread, and the previous number afterwards: a training in this process sets it, too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Signals have their usual effect, here and in new processes.

    Tests that run in the background ignore Ctrl-C, and under nohup SIGHUP.
    """
    usual: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
