"""The layers of a network as a table shows them: claims of the submission's process, which nothing is judged by."""

from dataclasses import dataclass
from pathlib import Path

from grading.protocol.text import cleaned, one_line
from grading.running.evidence import Layer, read_layers

MOST_LAYERS = 600  # that are shown; DenseNet-121 has 364
LETTERS = 80
MOST_PARAMETERS = 2**53
MOST_SIDES = 8  # of a shape


@dataclass(frozen=True)
class ShownLayer:
    """One layer.

    Attributes:
        trains: `yes`, `no`, or how many of its parameters do.
    """

    name: str
    kind: str
    shape: str
    parameters: int
    trains: str


def shown_layers(folder: Path, configuration: str) -> tuple[ShownLayer, ...]:
    """The layers of a configuration's network, at most MOST_LAYERS; empty if they are not known, or make no sense.

    Args:
        folder: of the results.
    """
    layers = read_layers(folder, configuration)[:MOST_LAYERS]
    return tuple(map(_shown, layers)) if all(map(_makes_sense, layers)) else ()


def _makes_sense(layer: Layer) -> bool:
    numbers = (layer.parameters, layer.trains, *layer.shape)
    if not all(type(number) is int and 0 <= number < MOST_PARAMETERS for number in numbers):
        return False
    return type(layer.name) is str and type(layer.kind) is str and layer.trains <= layer.parameters


def _shown(layer: Layer) -> ShownLayer:
    name, kind = (cleaned(one_line(text), LETTERS) for text in (layer.name, layer.kind))
    sides = [f"{side}" for side in layer.shape[:MOST_SIDES]] + ["..."] * (len(layer.shape) > MOST_SIDES)
    some = f"{layer.trains:,}" if layer.trains else "no"
    trains = "yes" if layer.trains == layer.parameters else some
    return ShownLayer(name, kind, " x ".join(sides), layer.parameters, trains)
