"""Pretrained weights from a file that somebody brought: read without unpickling, unwrapped, and checked."""

import os
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.data.arrays import DataError
from grading.protocol.text import one_line

# Only for types: torch takes seconds to import, and a run's other steps do without it.
Tensors = Mapping[str, Any]

# What wrappers put into the names of a network's parameters: DataParallel, torch.compile, FSDP, checkpointing.
WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
# torchvision's own files of DenseNet have names that Python no longer takes: `denselayer1.norm.1.weight`.
DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
DEEPEST_NEST = 3
COUNTER = "num_batches_tracked"  # files from before PyTorch 0.4.1 have none


def read_weights(name: str, profile: str, file: Path, fix: str) -> dict[str, NDArray[np.generic]]:
    """A network's weights as plain arrays, floating point as float32.

    Understood are `.safetensors` and torch's own formats, whatever the file is called, with a state dict at the top or
    among other entries (`{"epoch": 90, "state_dict": ...}`), and names with the prefixes of wrappers.

    Args:
        name: a torchvision classifier, or `"encoder"` for VGG16's convolutions.
        fix: what to do about a file that does not fit.

    Raises:
        DataError: the file is damaged, holds more than tensors (it is not unpickled), or other weights than these.
        ValueError: there is no such network in this profile.
    """
    from grading.backbones.loading import expected_state

    expected = expected_state(profile, name)
    state = _opened(file, fix)
    best: tuple[int, str] | None = None
    for tensors in _state_dicts(state):
        for renamed in _renamed(tensors, name, next(iter(expected))):
            faults = _faults(renamed, expected, everything=name != "encoder")
            if not faults:
                return _arrays(renamed, expected)
            if best is None or len(faults) < best[0]:
                best = (len(faults), faults[0])
    why = best[1] if best else f"it holds {_some(state)}, and no {next(iter(expected))}"
    network = "VGG16" if name == "encoder" else name
    raise DataError(f"{file}: not the weights of {network} at this size: {why}; {fix}")


def _opened(file: Path, fix: str) -> Any:
    """What a file holds; its content decides its format."""
    import torch
    from safetensors.torch import load_file

    try:
        if os.path.exists(file) and not os.path.isfile(file):  # a pipe would be waited for
            raise OSError("not a regular file")
        with open(file, "rb") as stream:
            head = stream.read(200)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error}); {fix}") from error
    if why := _no_weights(head):
        raise DataError(f"{file}: {why}; {fix}")
    try:
        if head[:2] != b"PK" and (head[8:9] == b"{" or file.suffix.lower() == ".safetensors"):
            return load_file(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # both raise almost anything on a damaged file
        if "TorchScript" in str(error) or (
            isinstance(error, pickle.UnpicklingError) and re.search(r"\bglobal\b|GLOBAL|nsupported class", str(error))
        ):
            raise DataError(
                f"{file}: holds Python objects, a whole model perhaps, which are never unpickled here: save its "
                "`state_dict()` alone, with torch.save or as .safetensors"
            ) from error
        raise DataError(f"{file}: damaged, truncated or no file of weights; {fix}") from error


def _no_weights(head: bytes) -> str | None:
    """What a file is that only has the name of weights."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "an empty file"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file itself (`git lfs pull` brings it)"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not weights"
    return None


def _state_dicts(value: Any, depth: int = 0) -> Iterator[Tensors]:
    """The tensors of each dict in a file, outermost first."""
    import torch

    if not isinstance(value, Mapping) or depth > DEEPEST_NEST:
        return
    if tensors := {key: item for key, item in value.items() if isinstance(key, str) and torch.is_tensor(item)}:
        yield tensors
    for item in value.values():
        yield from _state_dicts(item, depth + 1)


def _renamed(tensors: Tensors, name: str, first: str) -> Iterator[Tensors]:
    """The tensors by torchvision's names, for each prefix under which the first of a network's parameters is there.

    VGG16's convolutions may come from `vgg.features.state_dict()`, as `0.weight`.
    """
    plain = {".".join(part for part in key.split(".") if part not in WRAPPERS): item for key, item in tensors.items()}
    if name.startswith("densenet"):
        plain = {DENSENET.sub(r"\1\2", key): item for key, item in plain.items()}
    container = "features." if name == "encoder" else ""
    anchor = first.removeprefix(container)
    for key in plain:
        if key == anchor or key.endswith(f".{anchor}"):
            prefix = key.removesuffix(anchor)
            yield {container + other.removeprefix(prefix): plain[other] for other in plain if other.startswith(prefix)}


def _faults(tensors: Tensors, expected: Tensors, *, everything: bool) -> list[str]:
    """What is wrong with each tensor.

    Args:
        everything: whether layers that the network has not are wrong, too.
    """
    needed = {key: like for key, like in expected.items() if not key.endswith(COUNTER)}
    missing = [key for key in needed if key not in tensors]
    faults = [f"{len(missing)} of {len(needed)} tensors are missing, such as {key}" for key in missing]
    for key, like in needed.items():
        if key in tensors and (fault := _fault(key, tensors[key], like)):
            faults.append(fault)
    if everything:
        foreign = [key for key in tensors if key not in expected and key.endswith(("weight", "bias"))]
        faults += [f"it has {_short(key)}, which this network has not" for key in foreign]
    return faults


def _fault(key: str, tensor: Any, like: Any) -> str | None:
    import torch

    if tensor.shape != like.shape:
        return f"{key} is {tuple(tensor.shape)} in place of {tuple(like.shape)}"
    if not tensor.is_floating_point() or tensor.layout != torch.strided:
        return f"{key} holds {str(tensor.dtype).removeprefix('torch.')} in place of floating point"
    if not tensor.float().isfinite().all():
        return f"{key} holds NaN or infinity"
    return None


def _arrays(tensors: Tensors, expected: Tensors) -> dict[str, NDArray[np.generic]]:
    """In the network's order; a counter that is missing is 0."""
    arrays = {}
    for key in expected:
        if key.endswith(COUNTER):
            arrays[key] = np.array(int(tensors[key]) if key in tensors else 0)
        else:
            arrays[key] = tensors[key].detach().float().numpy()
    return arrays


def _some(state: Any) -> str:
    """The first names of what a file holds."""
    if not isinstance(state, Mapping):
        return f"a {type(state).__name__}"
    names = [_short(str(key)) for key in list(state)[:3]]
    return ", ".join(names) + (", ..." if len(state) > len(names) else "") if names else "nothing"


def _short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= 60 else f"{text[:60]}..."
