"""Probes of augmentation.py."""

import random

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
    """Apply one transform `count` times to one image, perhaps once to another before.

    Args:
        function: `"face_train_transform"` or `"face_eval_transform"`.
        image: uint8 (H, W, 3).
        before: the other one, likewise.
        size: the transform's size, None for its default.

    Returns:
        The draws stacked, (count, ...), the dtype's name, and `"reseeded"`: the libraries whose random numbers are
        in the same state after each of the first two calls, though not before them.
    """
    _seed(seed)
    build = attribute(module, function)
    transform = call(build) if size is None else call(build, size)
    if not callable(transform):
        raise StudentRaised(["TypeError"], f"{function} returned a {type(transform).__name__}, no function", [])
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
    reseeded = [name for name in states[0] if len(states) > 1 and states[0][name] == states[1][name]]
    return {
        "dtype": str(drawn[0].dtype).removeprefix("torch."),
        "images": array(torch.stack(drawn).float()),
        "reseeded": reseeded,
    }


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    seed_draws(seed)


def _draw_everywhere() -> None:
    random.random()
    np.random.random()
    torch.rand(())


def _random_states() -> dict[str, object]:
    numpy = np.random.get_state(legacy=False)["state"]
    return {
        "random": random.getstate(),
        "numpy": (numpy["key"].tobytes(), numpy["pos"]),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
