"""Small networks from plain specifications, the same in every process that builds them."""

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grading.probes import StudentRaised
from grading.workers.wire import Plain


def build(net: Plain) -> nn.Sequential:
    """Build a network in float64.

    Args:
        net: `{"layers": [...], "frozen": [...], "training": bool, "seed": int}`; a layer is
            `{"kind": "linear", "inputs": i, "outputs": o, "bias": bool}`, `{"kind": "norm", "features": f}`,
            `{"kind": "dropout", "p": p}`, `{"kind": "relu"}`, `{"kind": "identity"}`,
            `{"kind": "block", "layers": [...]}`, or `{"kind": "again", "layer": k}`: the k-th layer of the same
            list once more. `frozen` holds positions in `parameters()`.

    Returns:
        A Sequential from (N, features) to (N, outputs).
    """
    torch.manual_seed(net["seed"])
    model = _sequential(net["layers"]).double()
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    for position, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(position not in net["frozen"])
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
        StudentRaised: NumPy has no such tensors: bfloat16, sparse, quantized.
    """
    try:
        return np.array(tensor.detach().cpu().numpy())
    except (TypeError, RuntimeError) as error:
        raise StudentRaised(["TypeError"], f"a {tensor.dtype} tensor that is no plain one: {error}", []) from None


def digest(tensor: Tensor) -> str:
    """A name for a tensor's dtype, shape and values, equal exactly when all three are."""
    values = array(tensor)
    return f"{values.dtype}{list(values.shape)} {hashlib.sha256(values.tobytes()).hexdigest()[:16]}"


def state(model: nn.Module) -> dict[str, str]:
    """Digests of all parameters and buffers by name."""
    return {name: digest(tensor) for name, tensor in model.state_dict().items()}
