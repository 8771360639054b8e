"""Probes of augmentation.py."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from grading.data.arrays import Images
from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.nets import array, seed_draws
from grading.worker.student import attribute, call
from grading.worker.training.normalise import IMAGENET_MEAN, IMAGENET_STD
from grading.worker.training.tutorial import TutorialViews
from grading.worker.training.views import Batch, TransformedViews, Views


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


def pictures(module: object, *, pixels: Plain, shapes: Plain, size: int, count: int, seed: int) -> Plain:
    """Augment a few images for people to look at, by the tutorial's transform and by the student's.

    Args:
        pixels, shapes: of N images, see `grading.data.arrays.Images`.
        size: of the results.
        count: views of each image.

    Returns:
        `"default"` and `"submission"`, uint8 (N, count, size, size, 3) each. The latter is None if the student's
        transform raised.
    """
    images = Images.of(pixels, shapes)
    default = _views(TutorialViews(images, size, seed), len(images), count)
    try:
        transform = _transform(module, "face_train_transform", size)
        floats = _views(TransformedViews(transform, images, size, torch.float32, seed), len(images), count)
    except StudentRaised:
        return {"default": array(default), "submission": None}
    bright = floats * torch.tensor(IMAGENET_STD) + torch.tensor(IMAGENET_MEAN)
    return {"default": array(default), "submission": array(bright.nan_to_num().clamp(0, 1).mul(255).byte())}


def _views(views: Views, images: int, count: int) -> torch.Tensor:
    """(images, count, size, size, 3): an image looks different in each epoch."""
    epochs = [views.batch(Batch(epoch, range(images))) for epoch in range(count)]
    return torch.stack(epochs, dim=1).permute(0, 1, 3, 4, 2)


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
