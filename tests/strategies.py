"""Awkward inputs as plain specifications, so that they cross a process boundary and print whole in a failure."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

Spec = dict[str, Any]
_moved_by = 0


def move_seeds(by: int) -> None:
    """Give other random numbers to whatever takes its seed from `moved`."""
    global _moved_by
    _moved_by = by


def moved(seed: int) -> int:
    """A seed in [0, 2**31), another one for each `--hypothesis-seed`; as it is without one."""
    return (seed + _moved_by) % 2**31


SEEDS = st.integers(0, 2**16).map(moved)  # hypothesis itself begins with 0, whatever its own seed is
LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided"])
TORCHVISION = ("alexnet", "vgg11", "mobilenet_v2", "resnet34", "densenet121")


@st.composite
def nets(draw: st.DrawFn, *, shared: bool = True, dropout: bool = False, switched: bool = False) -> Spec:
    """A small network that ends in a Linear: 1 to 3 hidden stages, some nested, some parameters frozen.

    With `switched`, some parts are in another mode than the whole.
    """
    width = draw(st.integers(2, 5))
    layers: list[Spec] = []
    for _ in range(draw(st.integers(1, 3))):
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
        layers += [{"kind": "block", "layers": stage}] if draw(st.booleans()) else stage
    if shared:
        twice = [{"kind": "again", "layer": 0}]
        for position, layer in enumerate(layers):
            if layer["kind"] == "linear":
                twice.append({"kind": "tied", "layer": position})
        layers += draw(st.lists(st.sampled_from(twice), max_size=1))
    layers.append({"kind": "linear", "inputs": width, "outputs": draw(st.integers(1, 4)), "bias": True})
    return {
        "layers": layers,
        "width": width,
        "frozen": draw(st.lists(st.integers(0, 8), min_size=1, max_size=4, unique=True)),
        "training": draw(st.booleans()),
        "switched": draw(st.lists(st.integers(0, 8), max_size=2, unique=True)) if switched else [],
        "seed": draw(SEEDS),
    }


def net_inputs(net: Spec, rows: int = 5) -> np.ndarray:
    """float64 (rows, features) for a network of `nets`, the same for the same network."""
    return np.random.default_rng(net["seed"]).normal(size=(rows, net["width"]))


def lone_linear(*, frozen: bool, training: bool = True) -> Spec:
    """A network that is one Linear, its parameters directly on the module."""
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
    """An array of the given shape with values from `labels`."""
    chosen = draw(st.lists(st.sampled_from(labels), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return np.array(chosen, dtype=dtype).reshape(shape)


@st.composite
def segmentations(draw: st.DrawFn, *, filled: bool = False) -> Spec:
    """Arguments of a metric: predictions and targets of one shape, classes, and perhaps an ignored label."""
    num_classes = draw(st.sampled_from([1, 2, 3, 5, 11, 20]))
    dtypes = draw(st.sampled_from([("uint8", "uint8"), ("int64", "int64"), ("uint8", "int64"), ("int64", "uint8")]))
    outside = [num_classes, 255] + ([-1, -100] if dtypes[1] == "int64" else [])
    ignore_index = draw(st.sampled_from([None, 0, num_classes - 1, *outside]))
    shape = draw(FILLED_SHAPES if filled else SHAPES)
    # Few labels at a time, so that classes are absent from one side or from both.
    labels = draw(st.lists(st.integers(0, num_classes - 1), min_size=1, max_size=4, unique=True))
    targets = labels if ignore_index is None else [*labels, ignore_index]
    pred = draw(label_arrays(shape, labels + draw(st.sampled_from([[], [num_classes - 1]])), dtypes[0]))
    target = draw(label_arrays(shape, targets, dtypes[1]))
    # What is predicted where the target is ignored does not matter, not even whether it is a class.
    anything = draw(st.sampled_from([0, num_classes, 255, *([-1] if dtypes[0] == "int64" else [])]))
    return {
        "pred": pred if ignore_index is None else np.where(target == ignore_index, anything, pred).astype(dtypes[0]),
        "target": target,
        "num_classes": num_classes,
        "ignore_index": ignore_index,
        "pred_layout": draw(LAYOUTS),
        "target_layout": draw(LAYOUTS),
    }
