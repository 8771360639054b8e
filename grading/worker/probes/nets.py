"""Small networks from plain specifications, the same in every process that builds them."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grading.protocol.questions import StudentRaised
from grading.protocol.wire import DTYPES, Plain


def seed_draws(seed: int) -> None:
    """Seed PyTorch's draws on the CPU, where probes run.

    `torch.manual_seed` would also note the seed for a GPU that may be used later, each time with the whole call stack:
    that takes a tenth of the time of the tests.
    """
    torch.default_generator.manual_seed(seed)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Within it, new layers get `dtype`, even those that `model.double()` misses because they are not registered."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Scaled(nn.Module):
    """A block with parameters beside those of its child; one of them is a single number."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.inner = nn.Linear(features, features)
        self.scale = nn.Parameter(torch.rand(features) + 0.5)
        self.shift = nn.Parameter(torch.rand(()))

    def forward(self, inputs: Tensor) -> Tensor:
        scaled: Tensor = self.inner(inputs) * self.scale + self.shift
        return scaled


def build(net: Plain) -> nn.Module:
    """Build a network in float64.

    Args:
        net: `{"layers": [...], "frozen": [...], "training": bool, "seed": int}`; a layer is
            `{"kind": "linear", "inputs": i, "outputs": o, "bias": bool}`, `{"kind": "norm", "features": f}`,
            `{"kind": "norm2d", "features": f}` and `{"kind": "conv", "features": f}` (images of one pixel),
            `{"kind": "scaled", "features": f}`, `{"kind": "dropout", "p": p}`, `{"kind": "relu"}`,
            `{"kind": "identity"}`, `{"kind": "block", "layers": [...]}`, or with the k-th layer of the same list, a
            Linear: `{"kind": "again", "layer": k}`, the same layer once more, `{"kind": "tied", "layer": k}`, another
            Linear with the same weight. `frozen` holds positions in `parameters()`; `names`, if given, names the
            layers; `switched`, if given, holds positions in `modules()` of those that are in the other mode.

    Returns:
        A Sequential from (N, features) to (N, outputs); of one layer, that layer itself.
    """
    seed_draws(net["seed"])
    with default_dtype(torch.float64):
        model: nn.Module = _sequential(net["layers"])
    if len(net["layers"]) == 1:
        model = model.get_submodule("0")
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    for position, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(position not in net["frozen"])
    if "names" in net:
        model = nn.Sequential(OrderedDict(zip(net["names"], model.children(), strict=True)))
    model.train(net["training"])
    for position, part in enumerate(model.modules()):
        part.training ^= position in net.get("switched", [])
    return model


def _sequential(layers: Plain) -> nn.Sequential:
    parts: list[nn.Module] = []
    for layer in layers:
        match layer["kind"]:
            case "again":
                parts.append(parts[layer["layer"]])
            case "tied":
                first = parts[layer["layer"]]
                assert isinstance(first, nn.Linear)
                second = nn.Linear(first.in_features, first.out_features)
                second.weight = first.weight
                parts.append(second)
            case _:
                parts.append(_layer(layer))
    return nn.Sequential(*parts)


def _layer(layer: Plain) -> nn.Module:
    match layer["kind"]:
        case "linear":
            return nn.Linear(layer["inputs"], layer["outputs"], bias=layer["bias"])
        case "norm":
            return nn.BatchNorm1d(layer["features"])
        case "norm2d":
            return _on_pixels(nn.BatchNorm2d(layer["features"]), layer["features"])
        case "conv":
            return _on_pixels(nn.Conv2d(layer["features"], layer["features"], kernel_size=1), layer["features"])
        case "scaled":
            return Scaled(layer["features"])
        case "dropout":
            return nn.Dropout(layer["p"])
        case "relu":
            return nn.ReLU()
        case "identity":
            return nn.Identity()
        case "block":
            return _sequential(layer["layers"])
        case kind:
            raise ValueError(f"no such layer: {kind}")


def _on_pixels(part: nn.Module, features: int) -> nn.Sequential:
    """A layer for images that takes and gives vectors, (N, features), as images of one pixel."""
    return nn.Sequential(nn.Unflatten(1, (features, 1, 1)), part, nn.Flatten())


def array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The values of a tensor, copied.

    Raises:
        StudentRaised: its values cannot be sent, because its dtype is not one of DTYPES, or it is sparse or lazy.
    """
    try:
        values = np.array(tensor.detach().cpu().numpy())
    except (TypeError, ValueError, RuntimeError) as error:
        raise StudentRaised(["TypeError"], f"answered with a {tensor.dtype} tensor: {error}", []) from None
    if values.dtype.name not in DTYPES:
        raise StudentRaised(["TypeError"], f"answered with a {tensor.dtype} tensor", [])
    return values


def digest(tensor: Tensor) -> str:
    """A text that is equal for two tensors if and only if their dtypes, shapes and values are."""
    values = array(tensor)
    return f"{tensor.dtype}{list(values.shape)} {hashlib.sha256(values.tobytes()).hexdigest()[:16]}"


def state(model: nn.Module) -> dict[str, str]:
    """Digests of all parameters and buffers by name."""
    return {name: digest(tensor) for name, tensor in model.state_dict().items()}


def modes(model: nn.Module) -> dict[str, bool]:
    """Whether each submodule is in train mode, by name."""
    return {name: part.training for name, part in model.named_modules()}


def flags(model: nn.Module) -> dict[str, bool]:
    """`requires_grad` of every parameter by name."""
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}
