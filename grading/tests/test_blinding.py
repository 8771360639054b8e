"""Blinding hides the order of images and classes from a worker, and puts its answers back into the true order."""

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.scoring.blinding import Blinding, site_key

KEY = bytes(range(32))


@given(st.integers(1, 30), st.integers(1, 11), st.text(max_size=9))
def test_logits_are_put_back_into_the_true_order(images: int, classes: int, purpose: str) -> None:
    blinding = Blinding.draw(KEY, purpose, images=images, classes=classes)
    truth = np.random.default_rng(0).normal(size=(images, classes, 2)).astype("float32")
    sent = np.empty((len(blinding.order), classes, 2), "float32")
    for place, image in enumerate(blinding.order):
        for label in range(classes):
            sent[place, blinding.class_permutation[label]] = truth[image, label]
    assert blinding.batch_dependence(sent) == 0
    assert np.array_equal(blinding.logits(sent), truth)


def test_every_image_is_sent_and_some_are_sent_twice() -> None:
    blinding = Blinding.draw(KEY, "Q1-1 seed 0", images=400, classes=2)
    assert sorted(np.bincount(blinding.order))[-8:] == [2] * 8
    assert np.bincount(blinding.order).min() == 1
    shown = blinding.images(np.arange(1200, dtype="uint8").reshape(400, 1, 1, 3))
    duplicate = int(np.flatnonzero(np.bincount(blinding.order) == 2)[0])
    first, second = (shown[place] for place in np.flatnonzero(blinding.order == duplicate))
    assert np.array_equal(first, second)


def with_duplicates(blinding: Blinding, truth: np.ndarray) -> tuple[np.ndarray, int]:
    """Logits as a worker sends them, and the index of the second answer to one image."""
    return truth[blinding.order], int(np.flatnonzero(blinding.order == np.bincount(blinding.order).argmax())[1])


def test_different_logits_for_the_same_image_are_noticed() -> None:
    blinding = Blinding.draw(KEY, "Q1-1 seed 0", images=40, classes=2)
    sent, place = with_duplicates(blinding, np.random.default_rng(0).normal(size=(40, 2)).astype("float32"))
    assert blinding.batch_dependence(sent) == 0
    assert blinding.batch_dependence(np.ones_like(sent)) == 0
    assert blinding.batch_dependence(np.zeros_like(sent)) == 0
    sent[place] += [0.1, -0.1]
    assert 0.02 < blinding.batch_dependence(sent) < 1


@pytest.mark.parametrize("shape", [(40, 2), (40, 3, 5, 4)])
@pytest.mark.parametrize("hidden_by", ["one huge image", "a common offset", "huge images", "one huge pixel each"])
def test_batch_dependence_cannot_be_hidden(shape: tuple[int, ...], hidden_by: str) -> None:
    blinding = Blinding.draw(KEY, "Q1-1 seed 0", images=40, classes=shape[1])
    truth = np.random.default_rng(0).normal(size=shape).astype("float32")
    _, place = with_duplicates(blinding, truth)
    victim = int(blinding.order[place])
    others = [image for image in range(40) if image != victim]
    match hidden_by:
        case "one huge image":
            truth[others[0], 0] = 3e38
        case "a common offset":
            truth += 1e4
        case "huge images":
            truth[others[:20]] *= 1e6
        case _ if truth.ndim > 2:
            truth[:, 0, 0, 0] = 3e38
    sent, _ = with_duplicates(blinding, truth)
    assert blinding.batch_dependence(sent) < 1e-3
    sent[place].reshape(shape[1], -1)[0, -1] += 0.5
    assert blinding.batch_dependence(sent) > 0.02


def test_rounding_of_large_logits_is_no_batch_dependence() -> None:
    blinding = Blinding.draw(KEY, "Q1-1 seed 0", images=40, classes=2)
    truth = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    _, place = with_duplicates(blinding, truth)
    truth[blinding.order[place]] *= 1e6
    sent, _ = with_duplicates(blinding, truth)
    sent[place] *= 1 + 1e-5
    assert blinding.batch_dependence(sent) < 1e-3


def test_all_sets_of_a_training_share_one_class_permutation() -> None:
    sets = [Blinding.draw(KEY, "Q1-1 seed 0", images=n, classes=11, part=part) for part, n in enumerate((60, 30, 30))]
    assert np.array_equal(sets[0].class_permutation, sets[1].class_permutation)
    assert np.array_equal(sets[0].class_permutation, sets[2].class_permutation)
    assert not np.array_equal(sets[1].order, sets[2].order)


def test_labels_and_mapping_share_one_class_permutation() -> None:
    blinding = Blinding.draw(KEY, "Q2-3-merged seed 0", images=3, classes=3)
    labels = np.array([[0, 1], [2, 2]], dtype="uint8")
    rules = blinding.mapping([(0, 0), (1, 1), (2, 2)])
    assert [old for old, _ in rules] == [0, 1, 2]
    renamed = [new for _, new in rules]
    assert blinding.labels(labels).tolist() == [[renamed[0], renamed[1]], [renamed[2], renamed[2]]]


def test_images_are_shuffled_and_each_value_changes_by_at_most_1() -> None:
    images = np.random.default_rng(1).integers(0, 256, (8, 5, 4, 3), dtype="uint8")
    blinding = Blinding.draw(KEY, "Q1-1 seed 0", images=8, classes=2)
    shown = np.stack(blinding.images(images)).astype(int)
    steps = shown - images[blinding.order].astype(int)
    assert set(np.unique(steps)) == {-1, 0, 1}
    assert not np.array_equal(blinding.order, np.arange(8))


def test_key_and_purpose_decide_the_blinding() -> None:
    draws = [
        Blinding.draw(key, purpose, images=50, classes=11)
        for key, purpose in [
            (KEY, "Q1-1 seed 0"),
            (KEY, "Q1-1 seed 0"),
            (KEY, "Q1-1 seed 1"),
            (KEY[::-1], "Q1-1 seed 0"),
        ]
    ]
    assert np.array_equal(draws[0].order, draws[1].order)
    assert draws[0].noise == draws[1].noise
    for other in draws[2:]:
        assert not np.array_equal(draws[0].order, other.order)
        assert draws[0].noise != other.noise


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(site_key(tmp_path / "cache"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys[0] == keys[1] == site_key(tmp_path / "cache")
    assert len(keys[0]) == 32
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_mode & 0o077 == 0
