"""The same training three ways: the network alone, the harness as a grading runs it, and a notebook."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.floor import Floor
from benchmarks.forks import in_a_fork
from benchmarks.machine import check_device
from benchmarks.notebook import FacesNotebook, StreetsNotebook
from benchmarks.options import Options
from benchmarks.pictures import CAMVID, CELEBA, Pictures, drawn_faces, drawn_streets, real_streets
from benchmarks.tables import Cell, Table
from benchmarks.timing import Timing, timed_in_turn
from benchmarks.training import Training, prepared, random_weights
from grading.assignment.assignment import read_assignment
from grading.backbones.weights import ENCODER
from grading.data.drawn_streets import HEIGHT, WIDTH
from grading.data.face_painting import SIDE
from grading.worker.probes.process_state import inside
from grading.worker.training.loop import TASKS, seed_everything, train_one_epoch
from grading.worker.training.predictions import predict

NETWORKS = {
    "AlexNet frozen": "Q1-1",
    "AlexNet fine-tuned": "Q1-2",
    "MobileNetV2": "Q1-8",
    "FCN8s": "Q2-1-skips",
}
"""What is trained, and the configuration that says how."""

BACKBONES = ("alexnet", "mobilenet_v2", ENCODER)
CAMVID_COUNTS = (367, 101)  # training and validation pictures
SMALLEST = 4  # training pictures
VARIANTS = ("floor", "harness", "notebook")
PHASES = ("train", "predict")


class Harness:
    """The worker's own code."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self.task = TASKS[training.job["task"]](training.job, training.student, training.device)
        self._model, self._optimizer = training.network()

    def train(self) -> None:
        """One epoch."""
        state = self._training.student.state
        train_one_epoch(self._model, self.task, self._optimizer, self._training.device, state)

    def predict(self) -> None:
        """Classes of the validation pictures, and how far they depend on their batch."""
        job = self._training.job
        answer = (job["num_classes"], *self.task.sides)
        predict(self._model, self.task.validation_batches(0), answer, job["copies"][0])


def run(options: Options) -> list[Table]:
    """Seconds of an epoch of training and of its prediction, for each network.

    Raises:
        NoGPU: there is none for `--device cuda`.
    """
    check_device(options.device)
    with TemporaryDirectory() as folder:
        faces, streets = faces_in(Path(folder), options), streets_in(Path(folder), options)
        weights = in_a_fork(random_weights, Path(folder), options.profile, BACKBONES)
        rows: list[tuple[Cell, ...]] = []
        for network, name in NETWORKS.items():
            pictures = streets if name.startswith("Q2") else faces
            times = in_a_fork(measured, name, pictures, weights, options)
            rows += [_row(network, phase, times) for phase in PHASES]
        used = f"{_counts(faces)} faces, {_counts(streets)} streets (training + validation)"
    columns = ("network", "phase", *VARIANTS, "harness / floor", "notebook / floor")
    return [Table(f"An epoch, {options.profile} sizes on {options.device}: {used}", columns, rows, NOTES)]


NOTES = (
    "Medians, with quartiles; ratios are medians of the ratios of runs that came in turn.",
    "All weights are random: they take as long as pretrained ones.",
    "Floor and harness predict eight pictures twice, which weighs more if there are few; the notebook has metrics.",
)


def measured(
    name: str, pictures: Pictures, weights: dict[str, str], options: Options
) -> Mapping[tuple[str, str], Timing]:
    """Times of each variant and phase of one configuration."""
    epochs = options.runs + 2  # one for the floor to take its batches from, and one to warm up
    training = prepared(name, pictures.dataset, weights, epochs, options)
    with inside(training.student.state):
        seed_everything(0)
        harness = Harness(training)  # first, as it may fork processes, which want no GPU
        try:
            torch.backends.cudnn.allow_tf32 = False  # as the training loop sets it
            variants = (Floor(training, harness.task), harness, _notebook(training, pictures))
            calls: dict[tuple[str, str], Callable[[], object]] = {
                (name, phase): getattr(variant, phase)
                for name, variant in zip(VARIANTS, variants, strict=True)
                for phase in PHASES
            }
            return timed_in_turn(calls, options.runs, warm_up=not options.smallest, device=options.device)
        finally:
            harness.task.close()


def faces_in(folder: Path, options: Options) -> Pictures:
    """Drawn faces, with as large a share of the validation pictures as of the training pictures."""
    profile = read_assignment().profiles[options.profile]
    train = _even(options.count(profile.train_faces, SMALLEST))
    validation = _even(profile.validation_faces * train // profile.train_faces)
    return drawn_faces(folder / "faces", train, validation, CELEBA if options.profile == "report" else (SIDE, SIDE))


def streets_in(folder: Path, options: Options) -> Pictures:
    """Drawn streets, or the real ones if they are given, likewise."""
    profile = read_assignment().profiles[options.profile]
    all_train, all_validation = CAMVID_COUNTS
    if profile.train_streets and profile.validation_streets:
        all_train, all_validation = profile.train_streets, profile.validation_streets
    train = options.count(all_train, SMALLEST)
    validation = max(2, all_validation * train // all_train)
    if options.camvid and options.profile == "report":
        return real_streets(options.camvid, folder / "streets", train, validation)
    size = CAMVID if options.profile == "report" else (WIDTH, HEIGHT)
    return drawn_streets(folder / "streets", train, validation, size)


def _notebook(training: Training, pictures: Pictures) -> FacesNotebook | StreetsNotebook:
    if training.job["task"] == "classification":
        return FacesNotebook(training, pictures.folder)
    data = pictures.dataset
    return StreetsNotebook(training, pictures.folder, (len(data.train_images), len(data.validation_images)))


def _row(network: str, phase: str, times: Mapping[tuple[str, str], Timing]) -> tuple[Cell, ...]:
    wall = [times[variant, phase].wall for variant in VARIANTS]
    floor, harness, notebook = wall
    return (network, phase, *wall, harness.times(floor), notebook.times(floor))


def _even(count: int) -> int:
    """At least four: both classes, and a batch of two."""
    return max(4, count // 2 * 2)


def _counts(pictures: Pictures) -> str:
    return f"{len(pictures.dataset.train_images)} + {len(pictures.dataset.validation_images)}"
