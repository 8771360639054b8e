"""The pictures of a training are the same, however many processes make them."""

import os
import random
import time
from collections.abc import Callable, Sequence

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms

from grading.data.arrays import Images
from grading.protocol.questions import StudentRaised
from grading.worker.training.ahead import SLOTS, batches_of_views
from grading.worker.training.tutorial import RATIO, TutorialViews, central_crop, random_crops
from grading.worker.training.views import Batch, TransformedViews, Views
from solutions.augmentation import face_train_transform

Transform = Callable[[Image.Image], Tensor]

SIZE = 64
BATCHES = [Batch(epoch, [(7 * epoch + first + i) % 10 for i in range(3)]) for epoch in range(3) for first in (0, 3, 6)]
BATCHES[4] = Batch(1, [9])  # the last batch of an epoch may be smaller


def images() -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 72, 80, 3)).astype("uint8")
    return Images.of(pixels.ravel(), np.array([[72, 80]] * 10))


def views_of(transform: Transform, seed: int = 5) -> Views:
    return TransformedViews(transform, images(), SIZE, torch.float32, seed)


def made(views: Views, processes: int, batches: Sequence[Batch] = BATCHES) -> list[Tensor]:
    maker = batches_of_views(views, batches, processes)
    try:
        return [maker.next().clone() for _ in batches]  # it may be overwritten by the next one
    finally:
        maker.close()


def draws_from_every_generator(image: Image.Image) -> Tensor:
    return torch.full((3, SIZE, SIZE), random.random() + np.random.rand() + float(torch.rand(())))


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize(
    "views",
    [
        views_of(face_train_transform(SIZE)),
        views_of(draws_from_every_generator),
        TutorialViews(images(), SIZE, seed=5),
    ],
    ids=["face", "draws", "tutorial"],
)
def test_the_number_of_processes_changes_no_picture(views: Views, processes: int) -> None:
    for one, other in zip(made(views, 0), made(views, processes), strict=True):
        assert torch.equal(one, other)
        assert one.dtype == views.dtype


def test_a_picture_depends_on_seed_epoch_and_index_alone() -> None:
    views, other_seed = views_of(draws_from_every_generator), views_of(draws_from_every_generator, seed=6)
    batches = [Batch(0, [1, 2]), Batch(0, [2, 1]), Batch(1, [1, 2])]
    first, turned, later = made(views, 0, batches)
    assert torch.equal(first, turned.flip(0))
    assert not torch.isin(later, first).any()
    assert not torch.isin(made(other_seed, 0, batches)[0], first).any()


@pytest.mark.parametrize("processes", [0, 2])
def test_draws_of_the_training_do_not_depend_on_its_pictures(processes: int) -> None:
    """Dropout draws from the generator that transforms draw from."""

    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.rand(), float(torch.rand(()))

    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = draw()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    made(views_of(draws_from_every_generator), processes)
    assert draw() == expected


def raises(image: Image.Image) -> Tensor:
    raise KeyError("no such crop")


def ends_its_process(image: Image.Image) -> Tensor:
    os._exit(0)


def ends_its_process_late(image: Image.Image) -> Tensor:
    """In the epoch's middle, when it has been told several times that batches were taken."""
    calls.append(1)
    return os._exit(0) if len(calls) > 20 else torch.zeros(3, SIZE, SIZE)


calls: list[int] = []


def too_small(image: Image.Image) -> Tensor:
    return torch.zeros(3, SIZE, SIZE - 1)


def whole_numbers(image: Image.Image) -> Tensor:
    return torch.zeros(3, SIZE, SIZE, dtype=torch.uint8)


def gives_nothing(image: Image.Image) -> Tensor:
    return None  # type: ignore[return-value]


@pytest.mark.parametrize("processes", [0, 1, 2])
@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (raises, "no such crop"),
        (too_small, r"float32 \(3, 64, 63\) in place of torch.float32 \(3, 64, 64\)"),
        (whole_numbers, r"uint8 \(3, 64, 64\) in place of torch.float32"),
        (gives_nothing, "gives_nothing returned None in place of a Tensor"),
    ],
)
def test_a_transform_that_fails_is_the_students_fault(transform: Transform, message: str, processes: int) -> None:
    with pytest.raises(StudentRaised, match=message):
        made(views_of(transform), processes)


@pytest.mark.parametrize("transform", [ends_its_process, ends_its_process_late])
def test_a_transform_may_end_its_process(transform: Transform) -> None:
    with pytest.raises(StudentRaised, match="ended its process"):
        made(views_of(transform), 2, [Batch(0, [0])] * 100)


def test_processes_work_a_few_batches_ahead_and_end() -> None:
    views = views_of(face_train_transform(SIZE))
    before = set(psutil.Process().children())
    maker = batches_of_views(views, [Batch(0, [0])] * 100, 2)
    started = set(psutil.Process().children()) - before
    assert len(started) == 2
    maker.next()
    deadline = time.monotonic() + 20
    while not all(process.status() == psutil.STATUS_SLEEPING for process in started):  # until all SLOTS are full
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for _ in range(3 * SLOTS):
        maker.next()
    maker.close()
    assert not any(process.is_running() for process in started)


def test_processes_end_with_the_one_that_forked_them() -> None:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        batches_of_views(views_of(face_train_transform(SIZE)), [Batch(0, [0])] * 100, 2)
        os.write(theirs, b" ".join(str(process.pid).encode() for process in psutil.Process().children()))
        time.sleep(60)
    pids = [int(pid) for pid in os.read(ours, 100).split()]
    assert len(pids) == 2
    os.kill(child, 9)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 5
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def test_crops_are_those_of_torchvision_in_the_mean() -> None:
    """Each number's mean and standard deviation over many draws."""
    shape = (72, 96)
    library = transforms.RandomResizedCrop(SIZE)
    image = torch.zeros(3, *shape)
    torch.manual_seed(0)
    theirs = np.array([library.get_params(image, library.scale, library.ratio) for _ in range(4000)])
    ours = random_crops(np.random.default_rng(0), np.array([shape] * 4000))
    error = theirs.std(axis=0) / 4000**0.5
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 5 * error).all()
    assert np.allclose(ours.std(axis=0), theirs.std(axis=0), rtol=0.06)
    assert (ours[:, :2] >= 0).all()
    assert (ours[:, :2] + ours[:, 2:] <= shape).all()


@pytest.mark.parametrize("shape", [(64, 640), (640, 64), (72, 72), (1, 9)])
def test_pictures_of_an_extreme_shape_have_crops_too(shape: tuple[int, int]) -> None:
    crops = random_crops(np.random.default_rng(0), np.array([shape] * 50))
    assert (crops[:, 2:] > 0).all()
    assert (crops[:, :2] + crops[:, 2:] <= shape).all()
    top, left, height, width = central_crop(*shape)
    assert abs(2 * top + height - shape[0]) <= 1
    assert abs(2 * left + width - shape[1]) <= 1
    assert RATIO[0] * 0.9 <= width / height <= RATIO[1] * 1.1 or min(shape) == 1


def test_a_view_of_the_tutorial_is_a_resized_crop() -> None:
    view = TutorialViews(images(), SIZE, seed=5).batch(Batch(2, [3]))[0]
    generator = np.random.default_rng([5, 2])
    top, left, height, width = random_crops(generator, images().shapes)[3].tolist()
    mirrored = generator.random(10)[3] < 0.5
    box = (left, top, left + width, top + height)
    expected = Image.fromarray(images()[3]).crop(box).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else expected
    difference = view.int() - transforms.functional.pil_to_tensor(expected).int()
    assert difference.abs().max() <= 1  # 0 on processors with AVX2
