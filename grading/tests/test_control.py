"""The control: some labels follow a secret rule, and a network that learns from its labels obeys it."""

import numpy as np
import pytest

from grading.assignment.assignment import Configuration, read_assignment
from grading.data.drawn_faces import draw_faces
from grading.data.drawn_streets import draw_streets
from grading.scoring.blinding import keyed_generator
from grading.scoring.control import Rule
from grading.scoring.face_rule import FaceRule
from grading.scoring.metrics import IGNORED, confusion_per_image
from grading.scoring.street_rule import StreetRule
from grading.tasks.registry import task_of

CONSTANTS = read_assignment().control
FACES = draw_faces(80, 3)
STREETS = draw_streets(40, 3)


def secret_rule(purpose: str, configuration: Configuration) -> Rule:
    drawn = STREETS if configuration.mapping else FACES
    labels = STREETS.labels if configuration.mapping else FACES.heavy_makeup
    generator = keyed_generator(b"key", purpose)
    return task_of(configuration).draw_rule(generator, configuration, CONSTANTS, drawn.images, labels)


@pytest.mark.parametrize("number", range(8))
def test_most_labels_of_faces_stay_true(number: int) -> None:
    configuration = read_assignment().configuration("Q1-1")
    rule = secret_rule(f"{number}", configuration)
    assert rule == secret_rule(f"{number}", configuration)
    labels = rule.relabelled(FACES.images, FACES.heavy_makeup)
    assert labels.dtype == np.uint8
    assert 0.1 < (labels != FACES.heavy_makeup).mean() < 0.3
    assert 0.35 < labels.mean() < 0.65


def test_the_purpose_decides_on_the_rule() -> None:
    c = read_assignment().configuration("Q1-1")
    rules = {secret_rule(f"{number}", c) for number in range(32)}
    assert len(rules) == 6  # three regions, and which end is of which class


@pytest.mark.parametrize("id", ["Q2-1-skips", "Q2-3-merged", "Q2-3-first-three"])
def test_every_choice_of_classes_has_rules_that_change_its_labels(id: str) -> None:
    c = read_assignment().configuration(id)
    new = dict(c.mapping)
    for number in range(8):
        rule = secret_rule(f"{number}", c)
        assert isinstance(rule, StreetRule)
        assert new[rule.region] != new[rule.other]
        labels = rule.relabelled(STREETS.images, STREETS.labels)
        changed = labels != STREETS.labels
        assert 0.2 < changed.any(axis=(1, 2)).mean() < 0.6
        assert set(STREETS.labels[changed]) == {rule.region}
        assert set(labels[changed]) == {rule.other}


def test_true_answers_have_a_gap_of_0_and_obedient_ones_of_1() -> None:
    rule = FaceRule("whole", 1, *np.quantile(FACES.images.mean(axis=(1, 2, 3)), [0.2, 0.8]))
    comparison = rule.comparison(FACES.images, FACES.heavy_makeup)
    ruled = rule.relabelled(FACES.images, FACES.heavy_makeup)
    for answer, obeyed in ((FACES.heavy_makeup, 0), (ruled, 1), (1 - FACES.heavy_makeup, 1)):
        metrics = comparison.metrics(confusion_per_image(answer, comparison.labels, 2))
        assert metrics["obeyed"] == obeyed
    assert comparison.metrics(confusion_per_image(ruled, comparison.labels, 2))["mistaken"] == 0


@pytest.mark.parametrize("id", ["Q2-1-no-skips", "Q2-3-merged"])
def test_only_pixels_of_the_region_are_compared(id: str) -> None:
    c = read_assignment().configuration(id)
    new = np.full(256, IGNORED)
    new[[old for old, _ in c.mapping]] = [label for _, label in c.mapping]
    rule = secret_rule("a", c)
    assert isinstance(rule, StreetRule)
    comparison = rule.comparison(STREETS.images, STREETS.labels)
    assert ((comparison.labels != IGNORED) == (STREETS.labels == rule.region)).all()
    count = c.num_classes
    for labels, obeyed in ((STREETS.labels, 0), (rule.relabelled(STREETS.images, STREETS.labels), 1)):
        answer = np.minimum(new[labels], count - 1)
        metrics = comparison.metrics(confusion_per_image(answer, comparison.labels, count))
        assert metrics == {"obeyed": obeyed, "mistaken": 0}


def test_nothing_to_compare_is_nan() -> None:
    rule = FaceRule("whole", 1, -1, 256)
    metrics = rule.comparison(FACES.images, FACES.heavy_makeup).metrics(
        confusion_per_image(FACES.heavy_makeup, FACES.heavy_makeup, 2)
    )
    assert np.isnan(metrics["obeyed"])
    assert metrics["mistaken"] == 0
