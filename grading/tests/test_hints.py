"""Hints name the mistake: from an exception, or from an example on which mistakes have different values."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grading.protocol.questions import StudentRaised
from grading.protocol.submission import MODULES
from grading.tests.fresh_python import run_python
from grading.worker.probes.metrics import SAMPLE, count_many
from grading.worker.probes.running import materialise
from grading.worker.student import call
from tests.metric_definitions import IGNORED, METRICS, by_definition, mistakes
from tests.raised import usual_meaning
from tests.test_metrics import SEVEN, some_ignored


def hint_of(source: str, file: Path) -> str:
    """The hint for what a student's file raises as it is run."""
    file.write_text(source, encoding="utf-8")
    code = compile(source, str(file), "exec")
    with pytest.raises(StudentRaised) as caught:
        call(exec, code, {"torch": torch, "np": np})
    return usual_meaning(caught.value)


@pytest.mark.parametrize("name", MODULES)
def test_a_sibling_is_imported_with_a_dot(name: str, tmp_path: Path) -> None:
    for line, advice in (
        (f"from {name} import first", f"`from .{name} import first`"),
        (f"from {name} import first, second as other", f"`from .{name} import first, second as other`"),
        (f"from {name} import (\n    first,\n)", f"`from .{name} import ...`"),
        (f"from {name} import *", f"`from .{name} import ...`"),
        (f"import {name}", f"`from . import {name}`"),
        (f"import {name} as other", f"`from . import {name} as other`"),
        (f"import os, {name}", f"`from .{name} import ...`"),
    ):
        assert advice in hint_of(line, tmp_path / "student.py")


@pytest.mark.slow
def test_a_sibling_without_a_dot_on_the_screen(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "handed_in"
    shutil.copytree(repository / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "transfer.py"
    path.write_text(path.read_text("utf-8").replace("from .heads", "from heads"), encoding="utf-8")
    done = run_python("-m", "pytest", "-p", "no:xdist", "--impl", str(folder), "-m", "q1_3", folder=repository)
    assert "write `from .heads import replace_head`" in done.stdout


@pytest.mark.parametrize(
    ("source", "phrase"),
    [
        ("def f(labels: Integer[torch.Tensor, '*shape']): ...", "keep `from __future__ import annotations`"),
        ("import no_such_package", "no_such_package is not installed where this is graded"),
        ("from torch import no_such_name", "what is imported must exist"),
        ("import torch.no_such_module", "torch.no_such_module is not installed"),
        ("raise ImportError('heads.py is a link to a file elsewhere: hand in the file itself')", "the message says"),
        ("torch.zeros(256)[torch.zeros(3, 4, dtype=torch.uint8)]", "labels.long()"),
        ("torch.zeros(256)[torch.zeros(3, dtype=torch.uint8)]", "labels.long()"),
        ("torch.zeros(256)[torch.ones(3, 4).long() * 256]", "an index out of range"),
        ("(torch.zeros(3) != None).sum()", "ignore_index may be None"),
        ("torch.masked_select(torch.zeros(3), torch.zeros(3) != None)", "ignore_index may be None"),
        ("torch.where(torch.zeros(3) != None, 1, 0)", "ignore_index may be None"),
        ("torch.zeros(3).ne(None)", "ignore_index=None"),
        ("0 <= None", "ignore_index=None"),
        ("None.shape", "ignore_index=None"),
        ("torch.bincount(torch.zeros(3).long()[torch.zeros(3) != None])", "it adds an axis"),
    ],
)
def test_the_hint_of_an_error(source: str, phrase: str, tmp_path: Path) -> None:
    assert phrase in hint_of(source, tmp_path / "student.py")


# Each set holds phrases of hints for mistakes that lead to the same value.
SAME_MISTAKES = (
    {"a class that is predicted but not in the target counts", "a class that is predicted but not in the target has"},
    {"a class that is present but never right counts", "a class that is never right has"},
    {"absent classes count as", "a class that is neither"},
    {"the mean, not the median", "divide as floats"},  # of classes that are mostly wrong
    {"here they count as right", "here they count as class 0"},  # which is right, too
    {"their predictions enlarge the union", "here only those are left out that are predicted as it too"},
    # An ignored label that is no class is never predicted: all of these count every pixel.
    {"here they count", "here a pixel is left out by its prediction", "here only those are left out"},
)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("given", [SEVEN, *map(some_ignored, (255, 3, 0, -100))], ids=lambda g: str(g["ignore_index"]))
def test_examples_tell_mistakes_apart(metric: str, given: dict[str, Any]) -> None:
    """A student with a wrong value reads the first hint that has this value: it must be the hint for the mistake."""
    hints: list[tuple[np.ndarray, str]] = []
    for value, hint in wrong_values(metric, given):
        first = next((its_hint for earlier, its_hint in hints if same(earlier, value)), hint)
        assert first == hint or are_the_same_mistake(first, hint), f"{metric} = {value}: {first!r} hides {hint!r}"
        hints.append((value, hint))
    assert len({hint for _, hint in hints}) > 1


def wrong_values(metric: str, given: dict[str, Any]) -> list[tuple[np.ndarray, str]]:
    """The values of mistakes, with their hints; of mistakes with ignored labels only, if there are such labels."""
    right = by_definition(metric, given)
    with np.errstate(all="ignore"):
        values = [(np.asarray(value), hint) for value, hint in mistakes(metric, given)]
    if given["ignore_index"] is not None:
        values = [(value, hint) for value, hint in values if hint.startswith(IGNORED)]
    return [(value, hint) for value, hint in values if not same(value, right)]


def are_the_same_mistake(first: str, second: str) -> bool:
    for phrases in SAME_MISTAKES:
        if any(phrase in first for phrase in phrases) and any(phrase in second for phrase in phrases):
            return True
    return False


def same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape == right.shape and np.allclose(left, right, rtol=1e-6, atol=1e-6, equal_nan=True)


def test_a_slow_count_is_asked_about_a_sample() -> None:
    sizes: list[int] = []

    def quick(pred: Tensor, target: Tensor, num_classes: int) -> Tensor:
        sizes.append(pred.numel())
        return torch.tensor([[pred.numel()]])

    def slow(pred: Tensor, target: Tensor, num_classes: int) -> Tensor:
        return torch.tensor([[sum(1 for _ in range(20 * pred.numel()))]]) // 20

    assert count_many(SimpleNamespace(confusion_matrix=quick), pixels=2**24)["pixels"] == max(sizes) == 2**24
    counted = count_many(SimpleNamespace(confusion_matrix=slow), pixels=2**24)
    assert counted["pixels"] == SAMPLE
    assert counted["counts"].tolist() == [[SAMPLE]]


def test_a_dry_run_changes_nothing_but_what_is_lazy() -> None:
    linear, norm = nn.LazyLinear(2), nn.LazyBatchNorm1d()
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), linear, norm)
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model[:3].state_dict().items()}
    materialise(model, torch.randn(5, 3))
    assert [part.training for part in model] == [True, False, True, True, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model[:3].state_dict().items())
    assert linear.weight.shape == (2, 4)
    assert norm.running_mean is not None
    assert not norm.running_mean.any()
    with pytest.raises(StudentRaised):
        materialise(nn.Sequential(nn.LazyLinear(2), nn.Linear(3, 1)), torch.randn(5, 3))
