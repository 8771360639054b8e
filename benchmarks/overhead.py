"""What the harness costs in an epoch of part 2 beside the network, and what the augmentations of part 1 cost."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.empty_network import EmptyNetwork, WithoutLoss
from benchmarks.forks import in_a_fork
from benchmarks.harness import CAMVID_COUNTS, SMALLEST, streets_in
from benchmarks.machine import check_device
from benchmarks.options import Options
from benchmarks.pictures import CELEBA, Pictures, drawn_faces
from benchmarks.tables import Cell, Table
from benchmarks.timing import Seconds, Timing, timed_in_turn
from benchmarks.training import prepared, random_weights
from benchmarks.transforms import transformed
from benchmarks.wire import Wire
from grading.backbones.weights import ENCODER
from grading.scoring.epochs import ScoredTraining
from grading.worker.probes.process_state import inside
from grading.worker.training.loop import TASKS, seed_everything, train_one_epoch
from grading.worker.training.predictions import predict

CONFIGURATION = "Q2-1-skips"
FACES = 256

STEPS = {
    "training": ("worker", "batches, and steps of a network that does next to nothing"),
    "batches": ("worker", "of which batches: crops, floats, one-hot targets"),
    "prediction": ("worker", "finite logits, classes, dependence on the batch"),
    "wire": ("between", "one frame through a session"),
    "scoring": ("parent", "checks, confusion matrices, metrics"),
}
"""Each step, where it runs, and what it is."""

COUNTED = ("training", "prediction", "wire", "scoring")  # together they are all of it


def run(options: Options) -> list[Table]:
    """Both tables.

    Raises:
        NoGPU: there is none for `--device cuda`.
    """
    check_device(options.device)
    with TemporaryDirectory() as name:
        folder = Path(name)
        streets = streets_in(folder, _whole(options))
        faces = drawn_faces(folder / "faces", SMALLEST if options.smallest else FACES, 4, CELEBA)
        weights = in_a_fork(random_weights, folder, options.profile, [ENCODER])
        times = in_a_fork(measured, streets, weights, options)
        return [_table(times, streets, options), in_a_fork(transformed, faces, options)]


def measured(pictures: Pictures, weights: Mapping[str, str], options: Options) -> dict[str, Timing]:
    """Times of each step."""
    training = prepared(CONFIGURATION, pictures.dataset, dict(weights), options.runs + 1, options)
    job, device = training.job, training.device
    labels = training.sets[0].labels
    shape = (len(training.sets[0].blinding.order), *labels.shape[1:])
    classes = np.random.default_rng(0).integers(0, job["num_classes"], shape, np.uint8)
    # Its process is forked before this one has anything to do with a GPU.
    wire = Wire({"loss": 0.0, "seconds": 0.0, "predictions": classes, "dependence": 0.0}, training.limits)
    scored = ScoredTraining(training.sets, job["num_classes"])
    with inside(training.student.state):
        seed_everything(0)
        task = TASKS[job["task"]](job, training.student, device)
        answer = (job["num_classes"], *task.sides)
        model = EmptyNetwork(answer, max(map(len, task.validation_batches(0)))).to(device)
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        steps: dict[str, Callable[[], object]] = {
            "training": lambda: train_one_epoch(model, WithoutLoss(task), optimizer, device, training.student.state),
            "batches": lambda: [None for _ in task.batches()],
            "prediction": lambda: predict(model, task.validation_batches(0), answer, job["copies"][0]),
            "wire": wire.ask,
            "scoring": lambda: scored.add(wire_event, options.device),
        }
        wire_event = wire.ask()
        try:
            return timed_in_turn(steps, options.runs, warm_up=not options.smallest, device=options.device)
        finally:
            wire.close()


def _table(times: Mapping[str, Timing], pictures: Pictures, options: Options) -> Table:
    rows: list[tuple[Cell, ...]] = [(step, *STEPS[step], times[step].wall) for step in STEPS]
    runs = zip(*(times[step].wall.runs for step in COUNTED), strict=True)
    rows.append(("together", "", ", ".join(COUNTED), Seconds(tuple(map(sum, runs)))))
    data = pictures.dataset
    height, width = data.train_labels.shape[1:]
    used = f"{len(data.train_images)} + {len(data.validation_images)} pictures of {width} x {height}"
    return Table(
        f"An epoch of part 2 beside the network on {options.device}: {used}", ("step", "where", "what", "time"), rows
    )


def _whole(options: Options) -> Options:
    """All pictures, even where networks would take long."""
    return replace(options, images=options.images or CAMVID_COUNTS[0])
