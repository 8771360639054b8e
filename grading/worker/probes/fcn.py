"""Probes of fcn.py."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grading.protocol.wire import Plain
from grading.worker.probes.nets import array, digest, seed_draws
from grading.worker.probes.running import materialise, no_downloads, scores_of
from grading.worker.student import attribute, call

TAPS = ("x1", "x2", "x3", "x4", "x5")
LARGE = 20.0  # beyond what a sigmoid, a tanh or a ReLU6 gives


class PyramidEncoder(nn.Module):
    """Five taps at strides 2 to 32. Each is a 1x1 convolution of the averaged image, so none depends on another.

    All taps but x5 end in a tanh, so that the backward pass needs their values unchanged, as in VGG. Before the tanh,
    `offsets` are added to the taps that they name. In the end, `fixed` replaces the taps that it names. Gradients with
    respect to offsets, and changes of them, show how the decoder uses each tap.

    Args:
        normed: the tap that is batch-normalised.
    """

    def __init__(self, channels: Plain, seed: int, normed: str = "x1") -> None:
        super().__init__()
        self.channels = tuple(channels)
        seed_draws(seed)
        self.project = nn.ModuleList(nn.Conv2d(3, width, kernel_size=1) for width in channels)
        self.normed = normed
        self.norm = nn.BatchNorm2d(channels[TAPS.index(normed)])
        self.offsets: dict[str, Tensor] = {}
        self.fixed: dict[str, Tensor] = {}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        taps: dict[str, Tensor] = {}
        for level, (name, project) in enumerate(zip(TAPS, self.project, strict=True), start=1):
            tap = project(F.avg_pool2d(images, 2**level))
            tap = self.norm(tap) if name == self.normed else tap
            tap = tap + self.offsets[name] if name in self.offsets else tap
            taps[name] = tap if name == "x5" else torch.tanh(tap)
        return taps | self.fixed


def encoder_of(net: Plain) -> PyramidEncoder:
    """The encoder that a network is built on.

    Args:
        net: `{"channels": [five ints], "num_classes": int, "skips": bool or None, "frozen": [...], "seed": int}`, with
            `"beside": True` if another network with the opposite `skips` is built beside it, and `"normed"` for the tap
            of the encoder that is batch-normalised in place of x1.
    """
    encoder = PyramidEncoder(net["channels"], net["seed"], net.get("normed", "x1"))
    for position, parameter in enumerate(encoder.parameters()):
        parameter.requires_grad_(position not in net["frozen"])
    return encoder


def tensors_of(encoder: nn.Module) -> dict[str, Plain]:
    """Digest and `requires_grad` of every parameter by name."""
    return {name: [digest(p), p.requires_grad] for name, p in encoder.named_parameters()}


def encoder_tensors(net: Plain) -> dict[str, Plain]:
    """`tensors_of` the encoder before `FCN8s` has seen it."""
    return tensors_of(encoder_of(net))


def _built(module: object, net: Plain) -> tuple[Any, PyramidEncoder]:
    """Build `FCN8s`.

    A score layer may start at zero, as in the paper. Such parameters get random values, so that the logits depend on
    what comes before them.
    """
    encoder = encoder_of(net)
    fcn8s = attribute(module, "FCN8s")
    skips = {} if net["skips"] is None else {"skips": net["skips"]}
    seed_draws(net["seed"])
    with no_downloads("encoder"):
        model = call(fcn8s, encoder, net["num_classes"], **skips, gives=nn.Module)
        if net.get("beside"):
            call(fcn8s, encoder_of(net), net["num_classes"], skips=not net["skips"], gives=nn.Module)
    materialise(model, torch.zeros(2, 3, 64, 96))
    with torch.no_grad():
        for _, parameter in _decoder(model, encoder):
            if parameter.is_floating_point() and not parameter.any():
                parameter.normal_(std=0.1)
    return model, encoder


def _decoder(model: nn.Module, encoder: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """The parameters of a model that are not its encoder's."""
    encoder_ids = {id(parameter) for parameter in encoder.parameters()}
    return [(name, parameter) for name, parameter in model.named_parameters() if id(parameter) not in encoder_ids]


def _scores(model: nn.Module, net: Plain, images: Tensor) -> Tensor:
    """Logits, with the random draws of dropout fixed by the network's seed."""
    seed_draws(net["seed"] + 1)
    return scores_of(model, images)


def forward(
    module: object,
    *,
    net: Plain,
    images: Plain,
    training: bool,
    one_by_one: bool = False,
    x5_of: Plain = None,
    before: Plain = None,
) -> Plain:
    """Run a batch.

    Args:
        one_by_one: whether each image of the batch is also run alone.
        x5_of: images whose x5 the encoder gives in place of that of `images`; None for none.
        before: images that the same model sees first; None for none.

    Returns:
        `logits` of the batch, `alone`: those of its images one by one, and `images` as they are after the call.
    """
    model, encoder = _built(module, net)
    model.train(training)
    batch = torch.from_numpy(images)
    student_batch = batch.clone()
    with torch.no_grad():
        if before is not None:
            _scores(model, net, torch.from_numpy(before))
        if x5_of is not None:
            encoder.fixed = {"x5": encoder(torch.from_numpy(x5_of))["x5"]}
        logits = _scores(model, net, student_batch)
        alone = [_scores(model, net, image[None]) for image in batch.clone()] if one_by_one else []
    return {"logits": array(logits), "alone": [array(image) for image in alone], "images": array(student_batch)}


def forward_amplified(module: object, *, net: Plain, images: Plain, training: bool) -> Plain:
    """Logits of a batch after all weights of the decoder, even unregistered ones, are multiplied by 10, 100 or 1000.

    It stops at the first factor that gives large logits, of several classes on both sides of zero: larger factors
    overflow float32 in deep decoders.
    """
    model, encoder = _built(module, net)
    model.train(training)
    batch = torch.from_numpy(images)
    encoder_ids = {id(parameter) for parameter in encoder.parameters()}
    leaves = [*_leaves(_scores(model, net, batch)), *(parameter for _, parameter in _decoder(model, encoder))]
    weights = {id(leaf): leaf for leaf in leaves if id(leaf) not in encoder_ids}.values()  # each once
    with torch.no_grad():
        for _ in range(3):
            for weight in weights:
                weight.mul_(10)
            logits = _scores(model, net, batch)
            sides = (-logits.min(), logits.max())
            if (max if net["num_classes"] == 1 else min)(sides) > LARGE:
                break
        return array(logits)


def backward(module: object, *, net: Plain, images: Plain, training: bool) -> Plain:
    """Which tensors a random upstream gradient reaches, and which of them are not registered, or frozen.

    Returns:
        `logits`; `tap_gradients`: of the encoder's offsets; `encoder_registered`; `encoder`: its `tensors_of`;
        `unregistered`: shapes of leaves that an optimizer would not get; `collected`: which parameters of the decoder
        hold a gradient; `frozen`: digests of those that do not train.
    """
    model, encoder = _built(module, net)
    # What an optimizer would get before any forward pass. It is kept alive, so no other tensor gets one of its ids.
    registered = list(model.parameters())
    model.train(training)
    encoder.offsets = {
        name: torch.zeros(
            (len(images), width, images.shape[2] // stride, images.shape[3] // stride), requires_grad=True
        )
        for name, width, stride in zip(TAPS, encoder.channels, (2, 4, 8, 16, 32), strict=True)
    }
    logits = _scores(model, net, torch.from_numpy(images))
    known = set(map(id, [*registered, *encoder.offsets.values()]))
    unregistered = [leaf for leaf in _leaves(logits) if id(leaf) not in known]
    if logits.requires_grad:
        call(torch.autograd.backward, logits, torch.randn_like(logits))
    return {
        "logits": array(logits),
        "tap_gradients": {
            name: None if offset.grad is None else array(offset.grad) for name, offset in encoder.offsets.items()
        },
        "encoder_registered": any(part is encoder for part in model.modules()),
        "encoder": tensors_of(encoder),
        "unregistered": [list(leaf.shape) for leaf in unregistered],
        "collected": {name: p.grad is not None for name, p in _decoder(model, encoder)},
        "frozen": {name: digest(p) for name, p in _decoder(model, encoder) if not p.requires_grad},
    }


def response(module: object, *, net: Plain, images: Plain, cells: Plain) -> Plain:
    """Logits in eval mode before and after a small random change of one cell of one tap.

    The change is small, so that it hardly moves the statistics of a normalisation over the image.

    Args:
        cells: `[tap, row, column]` of each cell that is changed; those of one tap are changed alike.

    Returns:
        `plain`: the logits before; `moved`: those after each change.
    """
    model, encoder = _built(module, net)
    model.eval()
    batch = torch.from_numpy(images)
    seed_draws(net["seed"] + 2)
    changes = {tap: 1e-2 * torch.randn(width) for tap, width in zip(TAPS, encoder.channels, strict=True)}
    moved = []
    with torch.no_grad():
        plain = _scores(model, net, batch)
        for tap, row, column in cells:
            height, width = (side // 2 ** (TAPS.index(tap) + 1) for side in batch.shape[2:])
            offset = torch.zeros((len(batch), len(changes[tap]), height, width))
            offset[:, :, row, column] = changes[tap]
            encoder.offsets = {tap: offset}
            moved.append(array(_scores(model, net, batch)))
    return {"plain": array(plain), "moved": moved}


def _leaves(output: Tensor) -> list[Tensor]:
    """The leaf tensors that `output` was computed from and that collect gradients."""
    leaves: dict[int, Tensor] = {}
    visited = set()
    unvisited = [output.grad_fn]
    while unvisited:
        node = unvisited.pop()
        if node is None or node in visited:
            continue
        visited.add(node)
        if hasattr(node, "variable"):
            leaves[id(node.variable)] = node.variable
        unvisited.extend(parent for parent, _ in node.next_functions)
    return list(leaves.values())
