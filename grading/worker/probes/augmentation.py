"""Probes of augmentation.py."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.nets import array, seed_draws
from grading.worker.student import attribute, call


def draws(
    module: object, *, function: str, image: Plain, size: int | None, count: int, seed: int, before: Plain = None
) -> Plain:
    """Apply one transform `count` times to one image.

    Args:
        function: `"face_train_transform"` or `"face_eval_transform"`.
        image: uint8 (H, W, 3).
        size: the transform's size; None for its default.
        before: another image, to which the transform is applied once before; None for none.

    Returns:
        The draws stacked, (count, ...), the dtype's name, and `"reseeded"`: the libraries whose random numbers are
        in the same state after each of the first two calls, though not before them.
    """
    _seed(seed)
    transform = _transform(module, function, size)
    if before is not None:
        call(transform, Image.fromarray(before), gives=torch.Tensor)
        _seed(seed)
    picture = Image.fromarray(image)
    drawn, states = [], []
    for number in range(count):
        if number < 2:
            _draw_everywhere()
        drawn.append(call(transform, picture.copy(), gives=torch.Tensor))
        if number < 2:
            states.append(_random_states())
    if len({draw.shape for draw in drawn}) > 1:
        raise StudentRaised(["ValueError"], f"shapes differ: {sorted({tuple(d.shape) for d in drawn})}", [])
    return {
        "dtype": str(drawn[0].dtype).removeprefix("torch."),
        "images": array(torch.stack(drawn).float()),
        "reseeded": [name for name in states[0] if len(states) > 1 and states[0][name] == states[1][name]],
    }


def _transform(module: object, function: str, size: int | None) -> Callable[..., Any]:
    """The transform that the student's function returns."""
    build = attribute(module, function)
    transform = call(build) if size is None else call(build, size)
    if not callable(transform):
        raise StudentRaised(["TypeError"], f"{function} returned a {type(transform).__name__}, no function", [])
    return transform


def _seed(seed: int) -> None:
    """Seed the random numbers of Python, NumPy and PyTorch."""
    random.seed(seed)
    np.random.seed(seed)
    seed_draws(seed)


def _draw_everywhere() -> None:
    """Take one random number from each library, so that its state changes."""
    random.random()
    np.random.random()
    torch.rand(())


def _random_states() -> dict[str, object]:
    """The states of the random numbers, by library."""
    numpy = np.random.get_state(legacy=False)["state"]
    return {
        "random": random.getstate(),
        "numpy": (numpy["key"].tobytes(), numpy["pos"]),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
