"""A run that was never trained, with evidence beside it: for tests of figures and pages."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.assignment.api_test_record import NOT_RUN
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.data.drawn_faces import draw_faces
from grading.data.drawn_streets import draw_streets
from grading.reporting.results import Results
from grading.running.evidence import Answers, Draws, answers_file, draws_file
from grading.running.needed import expectations
from grading.running.plan import Plan
from grading.scoring.metrics import IGNORED, reduced_labels
from grading.verdicts.conclusions import RelationOutcome
from grading.verdicts.outcome import Outcome

CROP = 64
DRAWS = 3


def history(configuration: Configuration, values: Sequence[float]) -> tuple[dict[str, float], ...]:
    """A training's history in which the deciding metric has these values."""
    return tuple(
        {"epoch": epoch, "loss": 1.0, configuration.metric: value} for epoch, value in enumerate(values, start=1)
    )


def rising(seed: int, epochs: int, best: float = 0.8) -> list[float]:
    """A curve that rises towards `best`, with a little noise."""
    noise = np.random.default_rng(seed).normal(0, 0.01, epochs)
    return [float(value) for value in best - 0.4 / np.arange(1, epochs + 1) + noise]


def made_up_results(plan: Plan, *, seeds: int = 2, epochs: int = 20) -> Results:
    """Every configuration passes; every conclusion is there: supported, undetermined or contradicted."""
    expected = expectations(plan)
    outcomes = {
        c.id: Outcome(
            c,
            "PASS",
            "it passes",
            tuple(Run(c.id, seed, history(c, rising(seed, epochs)), 1.0) for seed in range(seeds)),
            expected[c.id],
        )
        for c in plan.configurations
    }
    intervals = [("supported", 0.05, 0.02), ("undetermined", 0.01, 0.02), ("contradicted", -0.06, 0.03)]
    relations = []
    for number, relation in enumerate(plan.assignment.relations):
        verdict, middle, half = intervals[number % len(intervals)]
        required = 0.035 if relation.gated else None
        relations.append(RelationOutcome(relation, verdict, middle, (middle - half, middle + half), required))
    return Results(plan, outcomes, relations, [], NOT_RUN, {}, [], {}, 1.0)


def write_evidence(results: Results, folder: Path) -> None:
    """Answers of every configuration, and faces under both augmentations."""
    faces = draw_faces(12, seed=5)
    streets = draw_streets(4, seed=7)
    images, camvid = streets.images[:, :CROP, :CROP], streets.labels[:, :CROP, :CROP]
    for id, outcome in results.outcomes.items():
        configuration = outcome.configuration
        if configuration.classes is None:
            labels = faces.heavy_makeup[:8].astype(np.uint8)
            sure = np.linspace(0.99, 0.6, 8, dtype=np.float32)
            answers = Answers(np.array([[170, 30], [21, 179]]), faces.images[:8], labels, 1 - labels, sure)
        else:
            labels = reduced_labels(camvid, configuration.mapping)
            predictions = _coarse(labels, 4 if configuration.network["skips"] else 16)
            counts = _confusion(labels, predictions, configuration.num_classes)
            answers = Answers(counts, images, labels, predictions, None)
        answers.write(answers_file(folder, id))
    whole = faces.images[8:]
    crops = np.stack([whole[:, place : place + CROP, place : place + CROP] for place in (0, 4, 8)], axis=1)
    Draws(whole[:, 4 : 4 + CROP, 4 : 4 + CROP], crops, crops[:, :, :, ::-1]).write(draws_file(folder))


def _coarse(labels: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """What a network might predict that sees one pixel of each square of this side."""
    seen = np.where(labels == IGNORED, 0, labels).astype(np.uint8)[:, ::stride, ::stride]
    return seen.repeat(stride, axis=1).repeat(stride, axis=2)


def _confusion(labels: NDArray[np.uint8], predictions: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    counts = np.zeros((classes, classes), np.int64)
    labelled = labels != IGNORED
    np.add.at(counts, (labels[labelled], predictions[labelled]), 1)
    return counts
