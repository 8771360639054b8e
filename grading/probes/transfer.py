"""Probes of transfer.py."""

from collections import Counter
from typing import Any

import torch
from torch import nn

from grading.probes import StudentRaised, asks, attribute, call
from grading.probes.heads import classifier
from grading.probes.nets import array, digest
from grading.workers.wire import Plain

PRETRAINED_SEED, FRESH_SEED = 101, 202


def backbone(name: str, pretrained: bool) -> nn.Module:
    """A thin classifier whose values tell whether the pretrained or the fresh one was asked for."""
    return classifier(name, PRETRAINED_SEED if pretrained else FRESH_SEED)


class Loader:
    """Builds backbones for a student and remembers which, and what their parameters were."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.digests: set[str] = set()

    def alexnet(self, pretrained: bool) -> nn.Module:
        return self.load("alexnet", pretrained)

    def load(self, name: str, pretrained: bool) -> nn.Module:
        model = backbone(name, bool(pretrained))
        # What could not be built, and was caught, is not a call to judge.
        self.calls.append([str(name), bool(pretrained) if pretrained in (True, False) else str(pretrained)])
        self.digests.update(map(digest, model.parameters()))
        return model


@asks("build_case")
def case(room: object, *, case: str, num_classes: int | None, inputs: Plain) -> Plain:
    """Build one case of transfer learning and run it in eval mode."""
    loader = Loader()
    classes = {} if num_classes is None else {"num_classes": num_classes}
    model = call(attribute(room, "build_case"), case, loader.alexnet, **classes, gives=nn.Module)
    return _seen(loader, model, inputs)


@asks(chosen=lambda data: ["build_case" if data["cases"] else "build_challenger"])
def shared(room: object, *, cases: Plain) -> Plain:
    """Build several cases with one loader, or with no cases the challenger twice; count what two models share."""
    loader = Loader()
    models: list[nn.Module] = [
        call(attribute(room, "build_case"), case, loader.alexnet, gives=nn.Module) for case in cases
    ]
    if not cases:
        models = [call(attribute(room, "build_challenger"), loader.load, gives=tuple)[0] for _ in range(2)]
    owners = Counter(id(parameter) for model in models for parameter in {*model.parameters()})
    return sum(count > 1 for count in owners.values())


@asks("build_challenger")
def challenger(room: object, *, num_classes: int | None, inputs: Plain) -> Plain:
    """Build the challenger and its optimizer and run the model in eval mode.

    Returns:
        Also `optimized`: positions of the optimizer's parameters in the model's `parameters()`, -1 for a stranger.
    """
    loader = Loader()
    classes = {} if num_classes is None else {"num_classes": num_classes}
    answer = call(attribute(room, "build_challenger"), loader.load, **classes, gives=tuple)
    if len(answer) != 2:
        raise StudentRaised(["TypeError"], f"build_challenger returned {len(answer)} values in place of 2", [])
    model, optimizer = answer
    for part, kind in ((model, nn.Module), (optimizer, torch.optim.Optimizer)):
        if not isinstance(part, kind):
            raise StudentRaised(["TypeError"], f"a {type(part).__name__} in place of a {kind.__name__}", [])
    positions = {id(parameter): position for position, parameter in enumerate(model.parameters())}
    optimized = [positions.get(id(p), -1) for group in optimizer.param_groups for p in group["params"]]
    return {
        "convolutions": sum(isinstance(part, nn.Conv2d) for part in model.modules()),
        "optimized": optimized,
        **_seen(loader, model, inputs),
    }


@asks("build_challenger")
def backbone_names(room: object) -> Plain:
    """The torchvision names that the challenger loads with pretrained weights, but for what cannot be built."""
    names: list[str] = []

    def load(name: str, pretrained: bool) -> nn.Module:
        model = backbone(name, bool(pretrained))
        if pretrained:
            names.append(str(name))
        return model

    call(attribute(room, "build_challenger"), load)
    return names


def _seen(loader: Loader, model: nn.Module, inputs: Plain) -> dict[str, Plain]:
    """What a model is like, and what it does in eval mode.

    Returns:
        The loader's calls; digest and `requires_grad` of every parameter, and whether it collects a gradient; the
        values of new ones; logits.
    """
    parameters = [(digest(parameter), parameter) for parameter in model.parameters()]
    seen: dict[str, Plain] = {
        "calls": loader.calls,
        "parameters": [[name, parameter.requires_grad] for name, parameter in parameters],
        "new": [array(parameter) for name, parameter in parameters if name not in loader.digests],
    }
    logits = call(model.eval(), torch.from_numpy(inputs), gives=torch.Tensor)
    if logits.requires_grad:
        call(torch.autograd.backward, logits, torch.cos(logits.detach()))
    collected = [parameter.grad is not None for _, parameter in parameters]
    return {**seen, "logits": array(logits), "collected": collected}
