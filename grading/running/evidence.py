"""What people look at besides numbers: a few pictures of a run, in files beside its journal.

Nothing is judged by them. What a worker said is in them, so they are claims of the submission.
"""

import io
import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from grading.assignment.files import write_whole, write_whole_bytes
from grading.protocol.parsing import parse_alone

FOLDER = "evidence"


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Arrays in one file, without pickles; one that is None is left out."""

    optional: ClassVar[tuple[str, ...]] = ()

    def write(self, path: Path) -> None:
        """Write the file whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        buffer = io.BytesIO()
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez_compressed(buffer, **{name: array for name, array in arrays.items() if array is not None})
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole_bytes(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What is in the file; None if there is none, or a damaged one: a report goes without it."""
        names = [field.name for field in fields(cls)]
        try:
            return parse_alone(lambda: cls._of(path, names))
        except Exception:  # a damaged archive may raise anything
            return None

    @classmethod
    def _of(cls, path: Path, names: list[str]) -> Self:
        with np.load(path, allow_pickle=False) as file:
            missing: dict[str, Any] = dict.fromkeys(cls.optional)
            return cls(**missing | {name: file[name] for name in names if name in file})


@dataclass(frozen=True, eq=False)
class Answers(_Arrays):
    """What the network of a configuration's first seed answered after its last epoch.

    Attributes:
        confusion: int64 (C, C), true classes by predicted ones, over all validation pictures of that epoch.
        images: uint8 (n, H, W, 3). In segmentation a few fixed pictures, the same ones for all configurations of a
            run; in classification the mistakes that the network was surest of, the surest first.
        labels: uint8, true classes: (n, H, W) in segmentation, IGNORED where none is; (n,) in classification.
        predictions: uint8, as `labels`.
        confidence: float32 (n,) in [0, 1], the softmax of the class that was predicted; None in segmentation.
    """

    optional: ClassVar[tuple[str, ...]] = ("confidence",)

    confusion: NDArray[np.int64]
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    predictions: NDArray[np.uint8]
    confidence: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Draws(_Arrays):
    """A few training faces as augmentations show them.

    Attributes:
        faces: uint8 (n, size, size, 3), whole, scaled to fit, with grey beside them if they are not square.
        default: uint8 (n, draws, size, size, 3), by the tutorial's augmentation; (0, draws, size, size, 3) if nothing
            usable was answered.
        submission: likewise, by the submission's; (0, draws, size, size, 3) if it raised.
    """

    faces: NDArray[np.uint8]
    default: NDArray[np.uint8]
    submission: NDArray[np.uint8]


@dataclass(frozen=True)
class Layer:
    """A module of a network that has parameters of its own.

    Attributes:
        name: in the network.
        kind: its class.
        shape: of its largest parameter.
        parameters, trains: elements of all its parameters, and of those that train.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trains: int


@dataclass(frozen=True)
class Shown:
    """What people look at of one training.

    Attributes:
        layers: empty if the network could not be built.
        answers: None if the training did not come to its end.
    """

    layers: tuple[Layer, ...] = ()
    answers: Answers | None = None

    def write(self, folder: Path, configuration: str) -> None:
        """Write it into a folder of results.

        Raises:
            OSError: it cannot be written.
        """
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        if self.layers:
            write_whole(layers_file(folder, configuration), json.dumps([asdict(layer) for layer in self.layers]))
        if self.answers is not None:
            self.answers.write(answers_file(folder, configuration))


def read_layers(folder: Path, configuration: str) -> tuple[Layer, ...]:
    """The layers of a configuration's network; empty if they are not known."""
    try:
        layers = json.loads(layers_file(folder, configuration).read_text(encoding="utf-8"))
        return tuple(Layer(**{**layer, "shape": tuple(layer["shape"])}) for layer in layers)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ()


def layers_file(folder: Path, configuration: str) -> Path:
    """Where the layers of a configuration's network lie in a folder of results."""
    return folder / FOLDER / f"{configuration}.layers.json"


def answers_file(folder: Path, configuration: str) -> Path:
    """Where the `Answers` of a configuration lie in a folder of results."""
    return folder / FOLDER / f"{configuration}.npz"


def draws_file(folder: Path) -> Path:
    """Where the `Draws` lie in a folder of results."""
    return folder / FOLDER / "augmentation.npz"


class Evidence:
    """What people look at of one run, in its folder. What cannot be written costs a picture, not the run.

    Args:
        folder: of the results; None keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def lacks_faces(self) -> bool:
        """Whether views of faces can be kept, and are not there."""
        return self._folder is not None and not draws_file(self._folder).is_file()

    def keep(self, configuration: str, shown: Shown) -> None:
        """Keep what is shown of a configuration's training."""
        if self._folder is not None:
            with suppress(OSError):
                shown.write(self._folder, configuration)

    def keep_faces(self, draws: Draws) -> None:
        """Keep views of faces."""
        if self._folder is not None:
            with suppress(OSError):
                draws.write(draws_file(self._folder))


def remove_evidence(folder: Path) -> None:
    """Delete what people look at of a run whose journal is set aside."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
