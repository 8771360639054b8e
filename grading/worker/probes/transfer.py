"""Probes of transfer.py."""

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.heads import classifier
from grading.worker.probes.nets import array, digest
from grading.worker.probes.running import given_only, materialise, scores_of
from grading.worker.student import attribute, call

PRETRAINED_SEED, FRESH_SEED = 101, 202


def backbone(name: str, pretrained: bool) -> nn.Module:
    """A thin classifier in train mode, as torchvision gives it, whose values tell whether it is the pretrained one."""
    return classifier(name, PRETRAINED_SEED if pretrained else FRESH_SEED, training=True)


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


def case(module: object, *, case: str, num_classes: int | None, inputs: Plain) -> Plain:
    """Build one case of transfer learning twice, each time from an AlexNet of its own, and run the second network.

    Returns:
        As `_seen`; `earlier`: calls of the first AlexNet's function.
    """
    earlier, loader = Loader(), Loader()
    classes = {} if num_classes is None else {"num_classes": num_classes}
    build = attribute(module, "build_case")
    with given_only("alexnet"):
        call(build, case, earlier.alexnet, **classes, gives=nn.Module)
        model = call(build, case, loader.alexnet, **classes, gives=nn.Module)
    materialise(model, torch.from_numpy(inputs))
    return {"earlier": earlier.calls, **_seen(loader, model, inputs)}


def shared(module: object, *, cases: Plain) -> Plain:
    """Build several cases with one loader, or with no cases the challenger twice; count what two models share."""
    loader = Loader()
    with given_only("alexnet" if cases else "load"):
        models: list[nn.Module] = [
            call(attribute(module, "build_case"), case, loader.alexnet, gives=nn.Module) for case in cases
        ] or [_challenger(module, loader)[0] for _ in range(2)]
    owners = Counter(id(parameter) for model in models for parameter in {*model.parameters()})
    return sum(count > 1 for count in owners.values())


def challenger(module: object, *, num_classes: int | None, inputs: Plain) -> Plain:
    """Build the challenger and its optimizer twice, each time from a loader of its own, and run the second model.

    Returns:
        As `_seen`; `earlier`: calls of the first loader; `convolutions`: their number; `optimized`: positions of the
        optimizer's parameters in the model's `parameters()`, -1 for a stranger.
    """
    earlier, loader = Loader(), Loader()
    classes = {} if num_classes is None else {"num_classes": num_classes}
    _challenger(module, earlier, **classes)
    model, optimizer = _challenger(module, loader, **classes)
    materialise(model, torch.from_numpy(inputs))
    positions = {id(parameter): position for position, parameter in enumerate(model.parameters())}
    optimized = [positions.get(id(p), -1) for group in optimizer.param_groups for p in group["params"]]
    return {
        "earlier": earlier.calls,
        "convolutions": sum(isinstance(part, nn.Conv2d) for part in model.modules()),
        "optimized": optimized,
        **_seen(loader, model, inputs),
    }


def step(module: object, *, inputs: Plain, labels: Plain) -> Plain:
    """Train the challenger for one step, as the training does.

    Returns:
        `changed`: how many of its parameters have other values now; `slope`: whether any gradient was not zero.
    """
    model, optimizer = _challenger(module, Loader())
    images = torch.from_numpy(inputs)
    materialise(model, images)
    before = [digest(parameter) for parameter in model.parameters()]
    loss = F.cross_entropy(scores_of(model.train(), images), torch.from_numpy(labels))
    optimizer.zero_grad(set_to_none=True)
    call(loss.backward)
    slope = any(parameter.grad is not None and bool(parameter.grad.any()) for parameter in model.parameters())
    call(optimizer.step)
    after = [digest(parameter) for parameter in model.parameters()]
    return {"changed": sum(new != old for new, old in zip(after, before, strict=True)), "slope": slope}


def _challenger(module: object, loader: Loader, **classes: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    with given_only("load"):
        answer = call(attribute(module, "build_challenger"), loader.load, **classes, gives=tuple)
    if len(answer) != 2:
        raise StudentRaised(["TypeError"], f"build_challenger returned {len(answer)} values in place of 2", [])
    for part, kind in zip(answer, (nn.Module, torch.optim.Optimizer), strict=True):
        if not isinstance(part, kind):
            raise StudentRaised(["TypeError"], f"a {type(part).__name__} in place of a {kind.__name__}", [])
    model, optimizer = answer
    return model, optimizer


def backbone_names(module: object) -> Plain:
    """The torchvision names that the challenger loads with pretrained weights, but for what cannot be built."""
    names: list[str] = []

    def load(name: str, pretrained: bool) -> nn.Module:
        model = backbone(name, bool(pretrained))
        if pretrained:
            names.append(str(name))
        return model

    with given_only("load"):
        call(attribute(module, "build_challenger"), load)
    return names


def _seen(loader: Loader, model: nn.Module, inputs: Plain) -> dict[str, Plain]:
    """What a model is like, and what it does.

    Returns:
        The loader's calls; digest and `requires_grad` of every parameter, and whether it collects a gradient in train
        mode; the values of new ones; logits in eval mode, and in train mode.
    """
    images = torch.from_numpy(inputs)
    parameters = [(digest(parameter), parameter) for parameter in model.parameters()]
    seen: dict[str, Plain] = {
        "calls": loader.calls,
        "parameters": [[name, parameter.requires_grad] for name, parameter in parameters],
        "new": [array(parameter) for name, parameter in parameters if name not in loader.digests],
    }
    with torch.no_grad():
        logits = scores_of(model.eval(), images)
    trained: Tensor = scores_of(model.train(), images)
    if trained.requires_grad:
        call(torch.autograd.backward, trained, torch.cos(trained.detach()))
    collected = [parameter.grad is not None for _, parameter in parameters]
    return {**seen, "logits": array(logits), "train_logits": array(trained), "collected": collected}
