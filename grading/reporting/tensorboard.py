"""What TensorBoard shows of a run: loss and metrics of each training by epoch, and the pictures of its report.

The files grow while the run goes on. A folder for each training keeps its curves apart: `Q1-1/seed 0`.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.assignment.training_record import Run


class NoTensorBoard(Exception):
    """It is not installed; one line."""


class TensorBoard:
    """Writes the files. Several threads may call it, each for a training of its own.

    No error of writing reaches a caller: the trainings go on without TensorBoard.

    Args:
        folder: of all files.

    Attributes:
        lost: why a part is missing; None if nothing is.

    Raises:
        NoTensorBoard: it is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise NoTensorBoard(
                '--tensorboard: TensorBoard is not installed: pip install -e ".[tensorboard]"'
            ) from None
        self.lost: str | None = None
        self._folder = folder
        self._writer = SummaryWriter
        self._writers: dict[tuple[str, int], SummaryWriter] = {}

    def take_in(self, runs: Iterable[Run]) -> None:
        """Make the folder, and write the whole history of trainings that have ended before.

        Raises:
            OSError: the folder cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for run in runs:
            for epoch in run.history:
                self.epoch(run.configuration, run.seed, epoch)
            self.finished(run)

    def epoch(self, configuration: str, seed: int, metrics: dict[str, float]) -> None:
        """Write the loss and the metrics of an epoch."""
        key, number = (configuration, seed), int(metrics["epoch"])
        try:
            if number == 1:
                # What an earlier, interrupted training of this seed wrote is hidden.
                self._writers[key] = self._writer(str(self._folder / configuration / f"seed {seed}"), purge_step=1)
            for name, value in metrics.items():
                if name != "epoch":
                    self._writers[key].add_scalar(name, value, number)
            self._writers[key].flush()
        except Exception as error:
            self._lose(error)

    def finished(self, run: Run) -> None:
        """Close the file of a training that has ended."""
        try:
            if (writer := self._writers.pop((run.configuration, run.seed), None)) is not None:
                writer.close()
        except Exception as error:
            self._lose(error)

    def close(self, pictures: Callable[[], Mapping[str, NDArray[np.uint8]]] = dict) -> None:
        """Write pictures, and close all files.

        Args:
            pictures: makes them: by name, uint8 (n, H, W, 3).
        """
        try:
            with self._writer(str(self._folder / "pictures"), purge_step=0) as writer:
                for name, shown in pictures().items():
                    for number, picture in enumerate(shown):
                        writer.add_image(f"{name}/{number}", picture, 0, dataformats="HWC")
            for left in list(self._writers.values()):
                left.close()
        except Exception as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self.lost = f"{self._folder}: {error}; a part of what TensorBoard shows is missing"
