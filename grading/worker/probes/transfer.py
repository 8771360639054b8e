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
from grading.worker.probes.running import materialise, no_downloads, scores_of
from grading.worker.student import attribute, call

PRETRAINED_SEED, FRESH_SEED = 101, 202


def backbone(name: str, pretrained: bool) -> nn.Module:
    """A thin classifier in train mode, as torchvision gives it; its values show whether it is the pretrained one."""
    return classifier(name, PRETRAINED_SEED if pretrained else FRESH_SEED, training=True)


class Loader:
    """Builds backbones for a student, and remembers the calls and the digests of the parameters."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.digests: set[str] = set()

    def alexnet(self, pretrained: bool) -> nn.Module:
        return self.load("alexnet", pretrained)

    def load(self, name: str, pretrained: bool) -> nn.Module:
        model = backbone(name, bool(pretrained))
        # A network that could not be built is no call, if the student's code catches the exception.
        self.calls.append([str(name), bool(pretrained) if pretrained in (True, False) else str(pretrained)])
        self.digests.update(map(digest, model.parameters()))
        return model


def case(module: object, *, case: str, num_classes: int | None, inputs: Plain) -> Plain:
    """Build one case of transfer learning twice, each time from an AlexNet of its own, and run the second network.

    Returns:
        As `_run`; `earlier`: the calls of the first loader.
    """
    earlier, loader = Loader(), Loader()
    classes = {} if num_classes is None else {"num_classes": num_classes}
    build = attribute(module, "build_case")
    with no_downloads("alexnet"):
        call(build, case, earlier.alexnet, **classes, gives=nn.Module)
        model = call(build, case, loader.alexnet, **classes, gives=nn.Module)
    materialise(model, torch.from_numpy(inputs))
    return {"earlier": earlier.calls, **_run(loader, model, inputs)}


def shared(module: object, *, cases: Plain) -> Plain:
    """Build several cases with one loader, or the challenger twice if there is no case.

    Returns:
        The number of parameters that belong to more than one of the models.
    """
    loader = Loader()
    with no_downloads("alexnet" if cases else "load"):
        if cases:
            models = [call(attribute(module, "build_case"), case, loader.alexnet, gives=nn.Module) for case in cases]
        else:
            models = [_challenger(module, loader)[0] for _ in range(2)]
    owners = Counter(id(parameter) for model in models for parameter in {*model.parameters()})
    return sum(count > 1 for count in owners.values())


def challenger(module: object, *, num_classes: int | None, inputs: Plain) -> Plain:
    """Build the challenger and its optimizer twice, each time from a loader of its own, and run the second model.

    Returns:
        As `_run`; `earlier`: the calls of the first loader; `convolutions`: their number; `optimized`: positions of the
        optimizer's parameters in the model's `parameters()`, -1 for one that is not the model's.
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
        **_run(loader, model, inputs),
    }


def step(module: object, *, inputs: Plain, labels: Plain) -> Plain:
    """Train the challenger for one step, as the training does.

    Returns:
        `changed`: how many of its parameters have changed; `slope`: whether any gradient was not zero.
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
    """What `build_challenger` returns.

    Raises:
        StudentRaised: it raised, or returned something else than a network and its optimizer.
    """
    with no_downloads("load"):
        answer = call(attribute(module, "build_challenger"), loader.load, **classes, gives=tuple)
    if len(answer) != 2:
        raise StudentRaised(["TypeError"], f"build_challenger returned {len(answer)} values in place of 2", [])
    for part, kind in zip(answer, (nn.Module, torch.optim.Optimizer), strict=True):
        if not isinstance(part, kind):
            raise StudentRaised(["TypeError"], f"a {type(part).__name__} in place of a {kind.__name__}", [])
    model, optimizer = answer
    return model, optimizer


def backbone_names(module: object) -> Plain:
    """The torchvision names that the challenger loads with pretrained weights, except those that cannot be built."""
    names: list[str] = []

    def load(name: str, pretrained: bool) -> nn.Module:
        model = backbone(name, bool(pretrained))
        if pretrained:
            names.append(str(name))
        return model

    with no_downloads("load"):
        call(attribute(module, "build_challenger"), load)
    return names


def _run(loader: Loader, model: nn.Module, inputs: Plain) -> dict[str, Plain]:
    """Run a model in eval mode, then in train mode forward and backward.

    Returns:
        `calls`: the loader's; `parameters`: digest and `requires_grad` of each, before the runs; `new`: the values of
        those that are not the loader's; `logits` in eval mode; `train_logits`; `collected`: whether each parameter
        collects a gradient.
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
    train_logits: Tensor = scores_of(model.train(), images)
    if train_logits.requires_grad:
        call(torch.autograd.backward, train_logits, torch.cos(train_logits.detach()))
    collected = [parameter.grad is not None for _, parameter in parameters]
    return {**seen, "logits": array(logits), "train_logits": array(train_logits), "collected": collected}
