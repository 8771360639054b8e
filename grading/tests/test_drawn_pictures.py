"""Drawn faces and streets are the same on every machine, and their labels fit."""

import numpy as np

from grading.data.drawn_faces import draw_faces
from grading.data.drawn_streets import draw_streets


def test_faces() -> None:
    faces = draw_faces(40, 3)
    assert faces.images.shape == (40, 72, 72, 3)
    assert faces.images.dtype == faces.heavy_makeup.dtype == np.uint8
    assert faces.heavy_makeup.sum() == 20
    assert faces.colours.min() >= 0
    assert faces.colours.max() <= 1
    assert set(np.unique(faces.attributes)) <= {0, 1}


def test_a_face_does_not_depend_on_how_many_are_drawn() -> None:
    some, more = draw_faces(6, 3), draw_faces(10, 3)
    assert np.array_equal(some.images, more.images[:6])
    assert np.array_equal(draw_faces(4, 3, start=6).images, more.images[6:])
    assert not np.array_equal(draw_faces(6, 4).images, some.images)


def test_streets() -> None:
    streets = draw_streets(30, 3)
    assert streets.images.shape == (*streets.labels.shape, 3)
    assert streets.images.dtype == streets.labels.dtype == np.uint8
    assert set(np.unique(streets.labels)) == set(range(12)), "every class, and void, is somewhere in 30 scenes"
    assert np.array_equal(draw_streets(4, 3).images, streets.images[:4])
    assert not np.array_equal(draw_streets(4, 4).images, streets.images[:4])
