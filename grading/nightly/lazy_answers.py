"""A pytest plugin that runs each test of the student API on functions that do no work.

It is used as `-p grading.nightly.lazy_answers`.
Only the function that a test is about is replaced; the others are the reference's. The replacements that passed are
written as JSON lines into the file that LAZY_ANSWERS names.
"""

import importlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import Phase, settings
from torch import Tensor, nn

from grading.protocol.submission import locate
from grading.worker.student import LocalStudent
from tests.diagnosis import function_of

Function = Callable[..., Any]

settings.register_profile(
    "first failure", parent=settings.get_profile("student"), phases=[Phase.explicit, Phase.generate]
)


def raises(error: Exception) -> Function:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    return refuse


def always(make: Callable[[], Any]) -> Function:
    return lambda *_, **__: make()


def constant(value: Any) -> Function:
    return always(lambda: value)


FIXED = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))

# Replacements for every function.
ANYTHING: dict[str, Function] = {
    **{repr(value): constant(value) for value in (None, 0, 0.0, 0.5, 1.0, float("nan"), "", ())},
    "[]": always(list),
    "a scalar tensor": always(lambda: torch.tensor(0.5)),
    "an empty tensor": always(lambda: torch.zeros(0)),
    "zeros": always(lambda: torch.zeros(3, dtype=torch.int64)),
    "ones": always(lambda: torch.ones(3, 3, dtype=torch.float64)),
    "its first argument": lambda first, *_, **__: first,
    "its last argument": lambda *given, **__: given[-1],
    "what its first argument gives": lambda first, *_, **__: first(True),
    "one network": always(lambda: FIXED),
    "a new network": always(lambda: nn.Linear(3, 2)),
    "one network and its optimizer": always(lambda: (FIXED, torch.optim.SGD(FIXED.parameters(), lr=0.1))),
    "ValueError": raises(ValueError("no")),
    "NotImplementedError": raises(NotImplementedError("Q1-1: later")),
}


def for_each_pair(value: float, dtype: torch.dtype = torch.int64) -> Function:
    return lambda pred, target, classes, **_: torch.full((classes, classes), value, dtype=dtype)


def for_each_class(value: float) -> Function:
    return lambda pred, target, classes, **_: torch.full((classes,), value, dtype=torch.float64)


def for_each_label(value: int) -> Function:
    return lambda labels, mapping, **_: torch.full_like(labels, value)


def every_pixel(draw: Callable[[tuple[int, ...]], Tensor]) -> Function:
    """A transform whose results are as large as they should be."""
    return lambda size=224: lambda image: draw((3, size, size))


def fixed_noise(shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(1))


def fcn(score: Callable[[Tensor, int], Tensor]) -> type[nn.Module]:
    """A network that refuses what it should, and never uses its encoder."""

    class Lazy(nn.Module):
        def __init__(self, encoder: nn.Module, num_classes: int, *, skips: bool = True) -> None:
            super().__init__()
            self.encoder, self.num_classes = encoder, num_classes
            self.bias = nn.Parameter(torch.zeros(num_classes))

        def forward(self, images: Tensor) -> Tensor:
            if any(side % 32 for side in images.shape[2:]):
                raise ValueError("sides")
            return score(images, self.num_classes) + self.bias[:, None, None]

    return Lazy


def plane(images: Tensor, classes: int) -> tuple[int, ...]:
    return (len(images), classes, *images.shape[2:])


SCORES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "a large score for every pixel": lambda images, classes: torch.full(plane(images, classes), 9.0),
    "the same noise": lambda images, classes: fixed_noise(plane(images, classes), 9.0),
    "noise": lambda images, classes: 9 * torch.randn(plane(images, classes)),
    "the image": lambda images, classes: 9 * images.mean(1, keepdim=True).repeat(1, classes, 1, 1),
}

# Replacements for one function, whose answers have the expected shape.
SHAPED: dict[str, dict[str, Function]] = {
    "confusion_matrix": {
        **{f"{value} for every pair": for_each_pair(value) for value in (0, 1, -1)},
        "zeros, float": for_each_pair(0, torch.float64),
        "one of each class": lambda pred, target, classes, **_: torch.eye(classes, dtype=torch.int64),
        "all pixels of one class": lambda pred, target, classes, **_: torch.diag(
            torch.tensor([pred.numel()] + [0] * (classes - 1))
        ),
    },
    "class_iou": {f"{value} for every class": for_each_class(value) for value in (0.0, 0.5, 1.0, float("nan"))},
    "reduce_classes": {
        **{f"{value} for every label": for_each_label(value) for value in (0, 1, 2, 7, 254, 255)},
        "the ignored label": lambda labels, mapping, ignore_index=255: torch.full_like(labels, ignore_index),
        "a copy": lambda labels, mapping, **_: labels.clone(),
    },
    "trainable_parameters": {
        "all parameters": lambda module: list(module.parameters()),
        "the first parameter": lambda module: list(module.parameters())[:1],
    },
    "replace_head": {
        "a new Linear": lambda model, classes: nn.Linear(3, classes),
        "a new Linear behind it": lambda model, classes: nn.Sequential(model, nn.Linear(2, classes)),
    },
    "build_case": {
        "what is given": lambda case, alexnet, *_, **__: alexnet(True),
        "what is given, not pretrained": lambda case, alexnet, *_, **__: alexnet(False),
        "what is given, if it is a case": lambda case, alexnet, *_, **__: (
            alexnet(case != "scratch")
            if case in ("feature_extractor", "finetuned", "scratch")
            else raises(ValueError())()
        ),
    },
    "build_challenger": {
        "what is given": lambda load, *_, **__: (
            model := load("vgg11", True),
            torch.optim.SGD(model.parameters(), 0.1),
        ),
    },
    **{
        function: {
            "zeros of the size": every_pixel(torch.zeros),
            "ones of the size": every_pixel(torch.ones),
            "the same noise": every_pixel(fixed_noise),
            "noise": every_pixel(torch.randn),
            "grey noise": every_pixel(lambda shape: torch.rand(shape[1:]).repeat(3, 1, 1)),
        }
        for function in ("face_train_transform", "face_eval_transform")
    },
    "FCN8s": {name: fcn(score) for name, score in SCORES.items()},
}


class Lazy(LocalStudent):
    """The reference with one function replaced."""

    def __init__(self, function: str, instead: Function) -> None:
        super().__init__(locate("solutions"))
        self.function, self.instead = function, instead

    def module(self, name: str) -> ModuleType:
        reference = importlib.import_module(f"solutions.{name}")
        module = ModuleType(name)
        vars(module).update(vars(reference))
        if self.function in vars(module):
            setattr(module, self.function, self.instead)
        return module


def recording(function: str, answers: list[Any]) -> Function:
    """The reference's function, which records its answers."""
    modules = [importlib.import_module(f"solutions.{name}") for name in ("metrics", "classes")]
    right = next(vars(module)[function] for module in modules if function in vars(module))

    def answer(*arguments: Any, **keywords: Any) -> Any:
        result = right(*arguments, **keywords)
        answers.append(result)
        return result

    return answer


WITH_ONE_RIGHT_ANSWER = ("confusion_matrix", "pixel_accuracy", "class_iou", "mean_iou", "reduce_classes")


def first_draw(function: str) -> Function:
    """A transform whose first result, which is right, is the result for every picture."""
    first: dict[int, Tensor] = {}
    right = getattr(importlib.import_module("solutions.augmentation"), function)

    def build(size: int = 224) -> Callable[[Any], Tensor]:
        transform = right(size)
        return lambda picture: first[size] if size in first else first.setdefault(size, transform(picture))

    return build


class LazyAnswers:
    """Runs each test once for each lazy answer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        function = function_of(pyfuncitem)
        passed = [
            name for name, instead in self._answers(pyfuncitem, function) if passes(pyfuncitem, function, instead)
        ]
        self._file.write(json.dumps({"test": pyfuncitem.nodeid, "function": function, "passed": passed}) + "\n")
        self._file.flush()
        return True

    def _answers(self, item: pytest.Function, function: str) -> Iterator[tuple[str, Function]]:
        if function != "FCN8s":
            yield from ANYTHING.items()
        else:  # all replacements that are no network fail in the same way, before they are called
            yield from ((name, ANYTHING[name]) for name in ("None", "its first argument", "one network", "ValueError"))
        yield from SHAPED.get(function, {}).items()
        if function in WITH_ONE_RIGHT_ANSWER:
            answers: list[Any] = []
            assert passes(item, function, recording(function, answers))
            yield "the first right answer", always(lambda: answers[0])
        if function in ("face_train_transform", "face_eval_transform"):
            yield "the first draw", first_draw(function)


def passes(item: pytest.Function, function: str, instead: Function) -> bool:
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    arguments["student"] = Lazy(function, instead)
    if "benchmark" in arguments:
        arguments["benchmark"] = lambda ask, *given, **keywords: ask(*given, **keywords)
    try:
        item.obj(**arguments)
    except Exception:
        return False
    return True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LazyAnswers(Path(os.environ["LAZY_ANSWERS"])))
