"""A setting of one module for the whole process reaches no other module, no training and not the grader."""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grading.commands.grade import parse
from grading.protocol.submission import locate
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.running.training import blinded
from grading.worker.probes.process_state import SETTINGS, ProcessState, inside
from grading.worker.student import LocalStudent
from grading.worker.training.loop import train
from tests import test_augmentation, test_classes, test_fcn, test_freezing, test_heads, test_metrics, test_transfer
from tests.strategies import lone_linear

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(autouse=True)
def forgotten_modes_end() -> Iterator[None]:
    """A mode that was entered and never left ends when it is garbage-collected: here, not in another test."""
    gc.freeze()  # only what a test makes is collected, which is fast
    yield
    gc.collect()


SET_AT_IMPORT = [
    "import torch; torch.set_default_dtype(torch.float64)",
    "import torch; torch.set_default_device('meta')",
    "import torch; torch.set_grad_enabled(False)",
    "import torch; torch.autograd.grad_mode.inference_mode().__enter__()",
    "import torch; mode = torch.inference_mode(); mode.__enter__()",
    "import torch; torch.use_deterministic_algorithms(True)",
    "import torch; torch.autograd.set_detect_anomaly(True)",
    "import torch; torch.set_num_threads(7)",
    "import torch; torch.set_autocast_enabled('cpu', True)",
    "import torch; torch.manual_seed(0)",
    "import numpy; numpy.seterr(all='raise')",
    "import numpy; numpy.random.seed(0)",
    "import random; random.seed(0)",
    "import warnings; warnings.simplefilter('error')",
    "import os; os.chdir('/')",
    "import os; os.environ.clear()",
    "import sys; sys.setrecursionlimit(100_000)",
]

# One test of each module that such settings are likely to disturb.
ASKED: list[tuple[Callable[..., None], dict[str, Any]]] = [
    (test_freezing.test_every_kind_of_layer_changes, {"function": "freeze", "net": lone_linear(frozen=False)}),
    (test_heads.test_networks_of_several_shapes, {"frozen": False, "num_classes": 2}),
    (test_transfer.test_the_right_parameters_train, {"case": "finetuned"}),
    (
        test_augmentation.test_shape_and_dtype,
        {"function": "face_train_transform", "height": 64, "width": 64, "size": 64},
    ),
    (test_fcn.test_float32_stays_float32, {}),
    (test_classes.test_swap, {"dtype": "uint8"}),
    (test_metrics.test_no_pixel_counts, {"metric": "mean_iou", "size": 3}),
]


def submission_with(repository: Path, folder: Path, line: str, *modules: str) -> Path:
    shutil.copytree(repository / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in modules:
        path = folder / f"{module}.py"
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("line", SET_AT_IMPORT)
def test_settings_of_one_module_fail_no_other_module(repository: Path, tmp_path: Path, line: str) -> None:
    before = {name: read() for name, (read, _) in SETTINGS.items()}
    student = LocalStudent(locate(str(submission_with(repository, tmp_path / "hw", line, "freezing", "metrics"))))
    for test, arguments in ASKED:
        test(student, **arguments)
    assert {name: read() for name, (read, _) in SETTINGS.items()} == before


@pytest.mark.parametrize("in_call", ["torch.set_grad_enabled(False)", "torch.set_default_dtype(torch.float64)"])
def test_settings_of_one_call_fail_no_later_call(repository: Path, tmp_path: Path, in_call: str) -> None:
    folder = submission_with(repository, tmp_path / "hw", "", "classes")
    path = folder / "classes.py"
    path.write_text(path.read_text("utf-8").replace("    reduced = ", f"    {in_call}\n    reduced = "))
    student = LocalStudent(locate(str(folder)))
    for test, arguments in reversed(ASKED):
        test(student, **arguments)
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


@pytest.fixture
def plan(quick_weights: None) -> Plan:
    options = parse(["--unsafe", "--profile", "mini", "--only", "Q1-6", "--epochs", "1", "--limit", "20"])
    return with_weights(make_plan(options), None, print)


def trained_epoch(plan: Plan, folder: Path) -> tuple[float, bytes]:
    """Loss and predictions."""
    _, job = blinded(plan, plan.configurations[0], seed=3)
    epoch = list(train(job, LocalStudent(locate(str(folder)))))[1]
    return epoch["loss"], epoch["predictions"].tobytes()


@pytest.mark.parametrize("line", SET_AT_IMPORT)
def test_settings_change_no_number_of_a_training(plan: Plan, repository: Path, tmp_path: Path, line: str) -> None:
    folder = submission_with(repository, tmp_path / "hw", line, "freezing", "augmentation")
    assert trained_epoch(plan, folder) == trained_epoch(plan, repository / "solutions")


def test_a_transform_that_switches_gradients_off_stops_no_training(
    plan: Plan, repository: Path, tmp_path: Path
) -> None:
    line = "\n".join(
        (
            "import torch",
            "_without = face_train_transform",
            "def face_train_transform(size=224):",
            "    transform = _without(size)",
            "    def apply(image):",
            "        torch.set_grad_enabled(False)",
            "        return transform(image)",
            "    return apply",
        )
    )
    folder = submission_with(repository, tmp_path / "hw", line, "augmentation")
    assert trained_epoch(plan, folder) == trained_epoch(plan, repository / "solutions")


def test_each_entry_has_the_same_random_numbers() -> None:
    state = ProcessState()
    numbers = []
    for _ in range(2):
        with inside(state):
            numbers.append((torch.rand(1).item(), np.random.rand()))
    assert numbers[0] == numbers[1]


def test_environment_variables_are_set_inside_only() -> None:
    with inside(ProcessState(HW4_TEST="1")):
        assert os.environ["HW4_TEST"] == "1"
    assert "HW4_TEST" not in os.environ
