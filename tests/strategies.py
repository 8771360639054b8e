"""Inputs of the tests, awkward ones included, as plain data.

Plain data can be sent to another process, and a failure prints it in full.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st

Spec = dict[str, Any]
"""A network, or the arguments of a function, as `grading.worker.probes` takes them: by name, plain data."""
_seed_offset = 0


def move_seeds(by: int) -> None:
    """Add `by` to every seed that `moved_seed` gives from now on."""
    global _seed_offset
    _seed_offset = by


def moved_seed(seed: int) -> int:
    """`seed` plus the number of `--hypothesis-seed`, if there is one, in [0, 2**31)."""
    return (seed + _seed_offset) % 2**31


# Hypothesis tries 0 first, whatever its own seed is: so its draws are moved too.
SEEDS = st.integers(0, 2**16).map(moved_seed)
LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided"])
TORCHVISION = ("alexnet", "vgg11", "mobilenet_v2", "resnet34", "densenet121")


@st.composite
def nets(draw: st.DrawFn, *, shared: bool = True, dropout: bool = False, switched: bool = False) -> Spec:
    """A small network that ends in a Linear: 1 to 3 hidden stages, some of them nested, and some parameters frozen.

    Args:
        shared: a layer, or the weight of one, may occur twice.
        dropout: stages may end in dropout.
        switched: some parts may be in another mode than the whole network.

    Returns:
        `net` as `grading.worker.probes.nets.build` takes it, and the number of its inputs as `width`.
    """
    width = draw(st.integers(2, 5))
    layers: list[Spec] = []
    for _ in range(draw(st.integers(1, 3))):
        stage = _draw_stage(draw, width, dropout=dropout)
        layers += [{"kind": "block", "layers": stage}] if draw(st.booleans()) else stage
    if shared:
        layers += draw(st.lists(st.sampled_from(_sharing_layers(layers)), max_size=1))
    layers.append({"kind": "linear", "inputs": width, "outputs": draw(st.integers(1, 4)), "bias": True})
    return {
        "layers": layers,
        "width": width,
        "frozen": draw(st.lists(st.integers(0, 8), min_size=1, max_size=4, unique=True)),
        "training": draw(st.booleans()),
        "switched": draw(st.lists(st.integers(0, 8), max_size=2, unique=True)) if switched else [],
        "seed": draw(SEEDS),
    }


def _draw_stage(draw: st.DrawFn, width: int, *, dropout: bool) -> list[Spec]:
    """A Linear, an activation, and perhaps a normalisation, a scaled block and dropout; `width` in and out."""
    stage: list[Spec] = [
        {"kind": "linear", "inputs": width, "outputs": width, "bias": draw(st.booleans())},
        {"kind": draw(st.sampled_from(["relu", "identity"]))},
    ]
    if draw(st.booleans()):
        stage.append({"kind": draw(st.sampled_from(["norm", "norm2d"])), "features": width})
    if draw(st.booleans()):
        stage.append({"kind": "scaled", "features": width})
    if dropout and draw(st.booleans()):
        stage.append({"kind": "dropout", "p": draw(st.sampled_from([0.25, 0.5]))})
    return stage


def _sharing_layers(layers: list[Spec]) -> list[Spec]:
    """Layers that share parameters with earlier ones: the first layer again, or a Linear with the weight of another."""
    linears = [position for position, layer in enumerate(layers) if layer["kind"] == "linear"]
    return [{"kind": "again", "layer": 0}, *({"kind": "tied", "layer": position} for position in linears)]


def net_inputs(net: Spec, rows: int = 5) -> np.ndarray:
    """float64 (rows, width) for a network of `nets`: the same inputs for the same network."""
    return np.random.default_rng(net["seed"]).normal(size=(rows, net["width"]))


def lone_linear(*, frozen: bool, training: bool = True) -> Spec:
    """A network that is one nn.Linear: its parameters sit directly on the module."""
    return {
        "layers": [{"kind": "linear", "inputs": 3, "outputs": 2, "bias": True}],
        "width": 3,
        "frozen": [0, 1] if frozen else [],
        "training": training,
        "seed": 11,
    }


SHAPES = st.lists(st.integers(0, 5), min_size=0, max_size=4).map(tuple)
FILLED_SHAPES = st.lists(st.integers(1, 5), min_size=0, max_size=4).map(tuple)


@st.composite
def label_arrays(draw: st.DrawFn, shape: tuple[int, ...], labels: list[int], dtype: str) -> np.ndarray:
    """An array of the given shape and dtype with values from `labels`."""
    size = int(np.prod(shape))
    values = draw(st.lists(st.sampled_from(labels), min_size=size, max_size=size))
    return np.array(values, dtype=dtype).reshape(shape)


@st.composite
def segmentations(draw: st.DrawFn, *, filled: bool = False) -> Spec:
    """Arguments of a metric: predictions and targets of one shape, classes, and perhaps an ignored label.

    Args:
        filled: there is at least one pixel.
    """
    num_classes = draw(st.sampled_from([1, 2, 3, 5, 11, 20]))
    dtypes = draw(st.sampled_from([("uint8", "uint8"), ("int64", "int64"), ("uint8", "int64"), ("int64", "uint8")]))
    outside = [num_classes, 255] + ([-1, -100] if dtypes[1] == "int64" else [])
    ignore_index = draw(st.sampled_from([None, 0, num_classes - 1, *outside]))
    shape = draw(FILLED_SHAPES if filled else SHAPES)
    # Few labels at a time, so that some classes are absent from the predictions, the targets or both.
    labels = draw(st.lists(st.integers(0, num_classes - 1), min_size=1, max_size=4, unique=True))
    targets = labels if ignore_index is None else [*labels, ignore_index]
    pred = draw(label_arrays(shape, labels + draw(st.sampled_from([[], [num_classes - 1]])), dtypes[0]))
    target = draw(label_arrays(shape, targets, dtypes[1]))
    # If a pixel's target is ignored, any prediction is allowed there, even one that is no class.
    anything = draw(st.sampled_from([0, num_classes, 255, *([-1] if dtypes[0] == "int64" else [])]))
    return {
        "pred": pred if ignore_index is None else np.where(target == ignore_index, anything, pred).astype(dtypes[0]),
        "target": target,
        "num_classes": num_classes,
        "ignore_index": ignore_index,
        "pred_layout": draw(LAYOUTS),
        "target_layout": draw(LAYOUTS),
    }
