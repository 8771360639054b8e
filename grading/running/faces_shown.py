"""Training faces under the tutorial's augmentation and under the submission's, for people to look at."""

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Configuration
from grading.data.fitted import fitted
from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.running.evidence import Draws
from grading.running.plan import Plan
from grading.sandbox.worker import GraderError, WorkerStopped
from grading.sandbox.workers import AnyWorker

FACES, DRAWS = 4, 4
SIZE = 128
SEED = 0


def shows_faces(plan: Plan) -> bool:
    """Whether the submission augments the pictures of a configuration."""
    return _configuration(plan) is not None


def draws_of(plan: Plan, worker: AnyWorker) -> Draws | None:
    """Ask a submission for its views of a few training faces; None if it cannot be asked."""
    configuration = _configuration(plan)
    if configuration is None:
        return None
    images = plan.datasets[configuration.task].train_images
    faces = [np.array(images[index]) for index in range(min(FACES, len(images)))]
    pixels = np.concatenate([face.ravel() for face in faces])
    shapes = np.array([face.shape[:2] for face in faces], np.int64)
    try:
        answer = worker.ask("augmentation.pictures", pixels=pixels, shapes=shapes, size=SIZE, count=DRAWS, seed=SEED)
    except (StudentRaised, WorkerStopped, GraderError):
        return None
    shape = (len(faces), DRAWS, SIZE, SIZE, 3)
    default, submission = (_views_in(answer, name, shape) for name in ("default", "submission"))
    return Draws(np.stack([fitted(face, SIZE) for face in faces]), default, submission)


def _configuration(plan: Plan) -> Configuration | None:
    """One whose pictures the submission augments; None if there is none."""
    return next((c for c in plan.configurations if c.augmentation == "face"), None)


def _views_in(answer: Plain, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The views that a worker answered with; no face's if it did not, or with nonsense."""
    views = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(views, np.ndarray) and views.dtype == np.uint8 and views.shape == shape:
        return views
    return np.zeros((0, *shape[1:]), np.uint8)
