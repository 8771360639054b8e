"""Small networks from plain specifications, the same in every process that builds them."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grading.probes import StudentRaised
from grading.workers.wire import DTYPES, Plain


def seed_draws(seed: int) -> None:
    """Seed PyTorch's draws on the CPU, where probes run.

    `torch.manual_seed` also notes the seed for a GPU that may come, each time with the whole call stack: a tenth of the
    time of the tests.
    """
    torch.default_generator.manual_seed(seed)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """New layers get `dtype`, also those that no `model.double()` reaches because they are not registered."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Scaled(nn.Module):
    """A block with a parameter of its own beside those of its child."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.inner = nn.Linear(features, features)
        self.scale = nn.Parameter(torch.rand(features) + 0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        scaled: Tensor = self.inner(inputs) * self.scale
        return scaled


def build(net: Plain) -> nn.Module:
    """Build a network in float64.

    Args:
        net: `{"layers": [...], "frozen": [...], "training": bool, "seed": int}`; a layer is
            `{"kind": "linear", "inputs": i, "outputs": o, "bias": bool}`, `{"kind": "norm", "features": f}`,
            `{"kind": "scaled", "features": f}`, `{"kind": "dropout", "p": p}`, `{"kind": "relu"}`,
            `{"kind": "identity"}`, `{"kind": "block", "layers": [...]}`, or `{"kind": "again", "layer": k}`: the
            k-th layer of the same list once more. `frozen` holds positions in `parameters()`; `names`, where given,
            names the layers.

    Returns:
        A Sequential from (N, features) to (N, outputs); of one layer, that layer itself.
    """
    seed_draws(net["seed"])
    model: nn.Module = _sequential(net["layers"]).double()
    if len(net["layers"]) == 1:
        model = model.get_submodule("0")
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    for position, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(position not in net["frozen"])
    if "names" in net:
        model = nn.Sequential(OrderedDict(zip(net["names"], model.children(), strict=True)))
    return model.train(net["training"])


def _sequential(layers: Plain) -> nn.Sequential:
    built: list[nn.Module] = []
    for layer in layers:
        built.append(built[layer["layer"]] if layer["kind"] == "again" else _layer(layer))
    return nn.Sequential(*built)


def _layer(layer: Plain) -> nn.Module:
    match layer["kind"]:
        case "linear":
            return nn.Linear(layer["inputs"], layer["outputs"], bias=layer["bias"])
        case "norm":
            return nn.BatchNorm1d(layer["features"])
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


def array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The values of a tensor, copied.

    Raises:
        StudentRaised: it is none of those that are exchanged: int32, bfloat16, sparse, lazy.
    """
    try:
        values = np.array(tensor.detach().cpu().numpy())
    except (TypeError, ValueError, RuntimeError) as error:
        raise StudentRaised(["TypeError"], f"answered with a {tensor.dtype} tensor: {error}", []) from None
    if values.dtype.name not in DTYPES:
        raise StudentRaised(["TypeError"], f"answered with a {tensor.dtype} tensor", [])
    return values


def digest(tensor: Tensor) -> str:
    """A name for a tensor's dtype, shape and values, equal exactly when all three are."""
    values = array(tensor)
    return f"{values.dtype}{list(values.shape)} {hashlib.sha256(values.tobytes()).hexdigest()[:16]}"


def state(model: nn.Module) -> dict[str, str]:
    """Digests of all parameters and buffers by name."""
    return {name: digest(tensor) for name, tensor in model.state_dict().items()}


def modes(model: nn.Module) -> dict[str, bool]:
    """Whether each submodule is in train mode, by name."""
    return {name: part.training for name, part in model.named_modules()}


def flags(model: nn.Module) -> dict[str, bool]:
    """`requires_grad` of every parameter by name."""
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}
