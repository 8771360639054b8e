"""The tail is measured on pictures that nobody can know in advance."""

from dataclasses import replace

import numpy as np
import pytest

from grading.commands.grade import parse
from grading.data.crops import centre_crop
from grading.protocol.submission import locate
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.running.validation import scored_labels, validation_sets
from grading.tests.conftest import with_few_secret_pictures

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q2-3-merged"]))


def pictures(plan: Plan, number: int = 0, seed: int = 0) -> np.ndarray:
    """All pictures of the tail."""
    return np.concatenate([part.images for part in validation_sets(plan, plan.configurations[number], seed)[1:]])


def test_late_epochs_are_measured_on_secret_pictures_and_the_others_on_the_usual_ones(plan: Plan) -> None:
    usual, *late = validation_sets(plan, plan.configurations[0], 0)
    assert (usual.epochs, len(usual.labels)) == (16, 400)
    assert [(part.epochs, len(part.labels)) for part in late] == [(1, 700)] * 4
    assert all(part.labels.mean() == 0.5 for part in late)
    assert len(scored_labels(plan, plan.configurations[0])) == plan.profile.secret_faces


@pytest.mark.parametrize("number", [0, 1])
def test_no_secret_picture_is_a_usual_one(plan: Plan, number: int) -> None:
    usual = plan.datasets[plan.configurations[number].task]
    secret = pictures(plan, number)
    pixels = [*usual.train_images.stacked(), *usual.validation_images.stacked()]
    shown = centre_crop(np.stack(pixels), secret.shape[1])
    assert not {image.tobytes() for image in shown} & {image.tobytes() for image in secret}


@pytest.mark.parametrize("number", [0, 1])
def test_key_and_submission_decide_the_secret_pictures(plan: Plan, number: int) -> None:
    plan = with_few_secret_pictures(plan)

    def differ(first: Plan, second: Plan, seeds: tuple[int, int] = (0, 0)) -> bool:
        return not np.array_equal(pictures(first, number, seeds[0]), pictures(second, number, seeds[1]))

    other = replace(plan, submission=locate("hw4"))
    assert not differ(plan, plan)
    assert not differ(plan, plan, (0, 1))
    assert differ(plan, other)
    assert differ(plan, replace(plan, key=bytes(32)))
    by_seed = replace(plan, pictures_by_seed=True)
    assert differ(by_seed, by_seed, (0, 1))


def test_data_sets_from_a_folder_have_no_secret_pictures(plan: Plan) -> None:
    profile = replace(plan.profile, secret_faces=None)
    from_folder = replace(plan, assignment=replace(plan.assignment, profiles={"mini": profile}))
    (only,) = validation_sets(from_folder, from_folder.configurations[0], 0)
    assert (only.epochs, len(only.labels)) == (20, 400)


def test_a_trial_of_one_epoch_is_measured_on_secret_pictures(plan: Plan) -> None:
    (only,) = validation_sets(replace(plan, epochs=1), plan.configurations[0], 0)
    assert (only.epochs, len(only.labels)) == (1, plan.profile.secret_faces)
