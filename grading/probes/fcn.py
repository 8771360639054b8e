"""Probes of fcn.py."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grading.probes import attribute, call
from grading.probes.nets import array, digest
from grading.workers.wire import Plain

TAPS = ("x1", "x2", "x3", "x4", "x5")


class PyramidEncoder(nn.Module):
    """Five taps at strides 2 to 32, each a 1x1 convolution of the averaged image, so that none depends on another.

    `offsets`, one per tap, are added to the taps: gradients with respect to them, or changes of them, show how the
    decoder uses each tap.
    """

    def __init__(self, channels: Plain, seed: int) -> None:
        super().__init__()
        self.channels = tuple(channels)
        torch.manual_seed(seed)
        self.project = nn.ModuleList(nn.Conv2d(3, width, kernel_size=1) for width in channels)
        self.offsets: dict[str, Tensor] = {}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        taps: dict[str, Tensor] = {}
        for level, (name, project) in enumerate(zip(TAPS, self.project, strict=True), start=1):
            tap = project(F.avg_pool2d(images, 2**level))
            taps[name] = tap + self.offsets[name] if name in self.offsets else tap
        return taps


def _built(room: object, net: Plain) -> tuple[Any, PyramidEncoder]:
    """`net`: `{"channels": [five ints], "num_classes": int, "skips": bool or None, "frozen": [...], "seed": int}`."""
    encoder = PyramidEncoder(net["channels"], net["seed"]).double()
    for position, parameter in enumerate(encoder.parameters()):
        parameter.requires_grad_(position not in net["frozen"])
    skips = {} if net["skips"] is None else {"skips": net["skips"]}
    torch.manual_seed(net["seed"])
    model = call(attribute(room, "FCN8s"), encoder, net["num_classes"], **skips, gives=nn.Module)
    return model.double(), encoder


def forward(room: object, *, net: Plain, images: Plain, training: bool) -> Plain:
    """Logits of a batch, and, in eval mode, of each of its images alone."""
    model, _ = _built(room, net)
    model.train(training)
    batch = torch.from_numpy(images)
    given = batch.clone()
    with torch.no_grad():
        logits = call(model, given, gives=Tensor)
        alone = [] if training else [call(model, image[None], gives=Tensor) for image in batch]
    return {
        "logits": array(logits),
        "alone": [array(image) for image in alone],
        "images_kept": torch.equal(batch, given),
    }


def forward_float32(room: object, *, net: Plain, images: Plain) -> Plain:
    """The dtype of the logits of a float32 batch."""
    model, _ = _built(room, net)
    with torch.no_grad():
        logits = call(model.float().eval(), torch.from_numpy(images), gives=Tensor)
    return str(logits.dtype).removeprefix("torch.")


def backward(room: object, *, net: Plain, images: Plain, training: bool) -> Plain:
    """Which tensors a random upstream gradient reaches, and which of them are registered."""
    model, encoder = _built(room, net)
    model.train(training)
    encoder_ids = {id(parameter): name for name, parameter in encoder.named_parameters()}
    before = {name: (digest(p), p.requires_grad) for name, p in encoder.named_parameters()}
    encoder.offsets = {
        name: torch.zeros(
            (len(images), width, images.shape[2] // stride, images.shape[3] // stride),
            dtype=torch.float64,
            requires_grad=True,
        )
        for name, width, stride in zip(TAPS, encoder.channels, (2, 4, 8, 16, 32), strict=True)
    }
    logits = call(model, torch.from_numpy(images), gives=Tensor)
    torch.manual_seed(net["seed"] + 1)
    registered = {id(parameter) for parameter in model.parameters()}
    offsets = {id(offset) for offset in encoder.offsets.values()}
    unregistered = [leaf for leaf in _leaves(logits) if id(leaf) not in registered | offsets]
    if logits.requires_grad:
        call(torch.autograd.backward, logits, torch.randn_like(logits))
    decoder = [(name, p) for name, p in model.named_parameters() if id(p) not in encoder_ids]
    return {
        "tap_gradients": {
            name: None if offset.grad is None else array(offset.grad) for name, offset in encoder.offsets.items()
        },
        "encoder_registered": any(part is encoder for part in model.modules()),
        "encoder_kept": before == {name: (digest(p), p.requires_grad) for name, p in encoder.named_parameters()},
        "unregistered": [list(leaf.shape) for leaf in unregistered],
        "decoder_parameters": len(decoder),
        "decoder_frozen": [name for name, p in decoder if not p.requires_grad],
        "without_gradient": [name for name, p in decoder if p.grad is None],
    }


def response(room: object, *, net: Plain, images: Plain, tap: str, cell: Plain, size: float) -> Plain:
    """How much each pixel's logits move in eval mode when one cell of one tap does.

    Returns:
        float64 (H, W), the summed absolute change over classes.
    """
    model, encoder = _built(room, net)
    model.eval()
    batch = torch.from_numpy(images)
    with torch.no_grad():
        plain = call(model, batch, gives=Tensor)
        level = TAPS.index(tap)
        height, width = (side // 2 ** (level + 1) for side in batch.shape[2:])
        offset = torch.zeros((len(batch), encoder.channels[level], height, width), dtype=torch.float64)
        torch.manual_seed(net["seed"] + 2)
        offset[:, :, cell[0], cell[1]] = size * torch.randn(encoder.channels[level], dtype=torch.float64)
        encoder.offsets = {tap: offset}
        moved = call(model, batch, gives=Tensor)
    return array((moved - plain).abs().sum((0, 1)))


def _leaves(output: Tensor) -> list[Tensor]:
    """The leaf tensors that `output` was computed from and that collect gradients."""
    found: dict[int, Tensor] = {}
    seen = set()
    waiting = [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        waiting.extend(parent for parent, _ in node.next_functions)
    return list(found.values())
