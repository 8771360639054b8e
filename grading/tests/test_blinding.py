"""Blinding hides the order of images and classes from a worker, and puts its answers back into the true order."""

import threading
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grading.scoring.blinding import Blinding, site_key

KEY = bytes(range(32))


@given(st.integers(1, 30), st.integers(1, 11), st.text(max_size=9))
def test_predictions_are_put_back_into_the_true_order(images: int, classes: int, purpose: str) -> None:
    blinding = Blinding.draw(KEY, purpose, images=images, classes=classes)
    truth = np.random.default_rng(0).integers(classes, size=(images, 2)).astype("uint8")
    sent = blinding.class_permutation.astype("uint8")[truth[blinding.order]]
    in_order = blinding.in_true_order(sent)
    assert np.array_equal(in_order, blinding.class_permutation[truth])
    counts = np.stack([np.bincount(image, minlength=classes) for image in in_order])
    expected = np.stack([np.bincount(image, minlength=classes) for image in truth])
    assert np.array_equal(blinding.of_true_classes(counts), expected)


@given(st.integers(1, 30), st.text(max_size=9))
def test_copies_are_the_images_that_are_sent_twice(images: int, purpose: str) -> None:
    blinding = Blinding.draw(KEY, purpose, images=images, classes=2)
    assert len(blinding.copies) == len(blinding.order) - images
    assert all(blinding.order[first] == blinding.order[again] for first, again in blinding.copies)
    assert all(first != again for first, again in blinding.copies)


def test_every_image_is_sent_and_some_are_sent_twice() -> None:
    blinding = Blinding.draw(KEY, "Q1-1 seed 0", images=400, classes=2)
    assert sorted(np.bincount(blinding.order))[-8:] == [2] * 8
    assert np.bincount(blinding.order).min() == 1
    shown = blinding.images(np.arange(1200, dtype="uint8").reshape(400, 1, 1, 3))
    duplicate = int(np.flatnonzero(np.bincount(blinding.order) == 2)[0])
    first, second = (shown[place] for place in np.flatnonzero(blinding.order == duplicate))
    assert np.array_equal(first, second)


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
