"""The layers of a network, as the submission's process described them: a claim that nothing is judged by."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.protocol.text import cleaned
from grading.running.evidence import FOLDER

MOST_BYTES = 2**20
MOST_LAYERS = 600  # that are shown; DenseNet-121 has 364
LETTERS = 80
MOST_PARAMETERS = 2**53


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: its place in the network, such as `features.0`.
        kind: its class, such as `Conv2d`.
        shape: of its output, or of its weight, as text.
        parameters: the number of its elements.
        trains: whether any of them does.
    """

    name: str
    kind: str
    shape: str
    parameters: int
    trains: bool


def layers_file(folder: Path, configuration: str) -> Path:
    """Where the layers of a configuration's network lie in a folder of results."""
    return folder / FOLDER / f"{configuration}.layers.json"


def read_layers(path: Path) -> list[Layer]:
    """The layers in a file: a list of objects with the fields of `Layer`.

    Returns:
        At most MOST_LAYERS; none if there is no file, or one that holds something else: a report goes without it.
    """
    try:
        with path.open("rb") as file:
            entries = json.loads(file.read(MOST_BYTES))
        return [_layer(entry) for entry in entries[:MOST_LAYERS]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


def _layer(entry: Mapping[str, Any]) -> Layer:
    """One layer.

    Raises:
        KeyError, TypeError, ValueError: the entry describes no layer.
    """
    shape, parameters, trains = entry["shape"], entry["parameters"], entry["trains"]
    if type(parameters) is not int or not 0 <= parameters < MOST_PARAMETERS or type(trains) is not bool:
        raise ValueError("no number of parameters, or nothing about training")
    texts = [entry["name"], entry["kind"], " x ".join(map(str, shape)) if isinstance(shape, list) else shape]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is something else")
    name, kind, form = (cleaned(text.replace("\n", " "), LETTERS) for text in texts)
    return Layer(name, kind, form, parameters, trains)
