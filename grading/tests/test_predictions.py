"""What a worker makes of a network's logits: classes, and whether an image's logits depend on its batch."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor, nn

from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.training.predictions import batch_dependence, predict


class Given(nn.Module):
    """Answers with given logits, batch by batch."""

    def __init__(self, logits: Tensor, size: int) -> None:
        super().__init__()
        self._batches = iter(logits.split(size))

    def forward(self, images: Tensor) -> Tensor:
        return next(self._batches)


def ask(logits: Tensor, answer: tuple[int, ...], size: int = 3, copies: tuple[tuple[int, int], ...] = ()) -> Plain:
    """`predict`, with a network that gives these logits."""
    return predict(Given(logits, size), images_for(len(logits), size), answer, copies)


def images_for(count: int, size: int) -> Iterator[Tensor]:
    yield from torch.zeros(count, 3, 8, 8).split(size)


@given(hnp.arrays("float32", (4, 3, 4, 5), elements=st.integers(-2, 2).map(float)))
def test_the_class_of_the_largest_logit_and_the_first_of_equals(logits: np.ndarray) -> None:
    predictions = ask(torch.from_numpy(logits), (3, 4, 5))["predictions"]
    assert predictions.dtype == np.uint8
    assert np.array_equal(predictions, logits.argmax(1))


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (torch.zeros(4, 3), r"shape \(3, 3\) in place of \(3, 2\)"),
        (torch.zeros(4, 2, 1), "shape"),
        (torch.zeros(4), "shape"),
        (torch.full((4, 2), torch.nan), "NaN"),
        (torch.tensor([[0, 0]] * 3 + [[0, -torch.inf]]), "infinity"),
    ],
)
def test_unusable_logits(logits: Tensor, message: str) -> None:
    with pytest.raises(StudentRaised, match=message):
        ask(logits, (2,))


def test_copies_are_compared_wherever_they_lie() -> None:
    logits = torch.randn(10, 2)
    logits[8] = logits[1]
    logits[5] = logits[4]
    assert ask(logits, (2,), copies=((1, 8), (4, 5)))["dependence"] == 0
    logits[8, 0] += 0.5
    assert ask(logits, (2,), copies=((1, 8), (4, 5)))["dependence"] > 0.02
    assert ask(logits, (2,))["dependence"] == 0


def copies_of(logits: Tensor) -> list[tuple[Tensor, Tensor]]:
    return [(one, one.clone()) for one in logits]


def test_equal_logits_do_not_depend_on_their_batch() -> None:
    for logits in (torch.randn(8, 2), torch.ones(8, 2), torch.zeros(8, 3, 5, 4)):
        assert batch_dependence(copies_of(logits)) == 0


@pytest.mark.parametrize("shape", [(8, 2), (8, 3, 5, 4)])
@pytest.mark.parametrize("hidden_by", ["one huge image", "a common offset", "huge images", "one huge pixel each"])
def test_batch_dependence_cannot_be_hidden(shape: tuple[int, ...], hidden_by: str) -> None:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    match hidden_by:
        case "one huge image":
            logits[0, 0] = 3e38
        case "a common offset":
            logits += 1e4
        case "huge images":
            logits[1:6] *= 1e6
        case _ if logits.ndim > 2:
            logits[:, 0, 0, 0] = 3e38
    copies = copies_of(logits)
    assert batch_dependence(copies) < 1e-3
    copies[-1][1].reshape(shape[1], -1)[0, -1] += 0.5
    assert batch_dependence(copies) > 0.02


def test_rounding_of_large_logits_is_no_batch_dependence() -> None:
    logits = torch.randn(8, 2)
    logits[3] *= 1e6
    copies = copies_of(logits)
    copies[3][1].mul_(1 + 1e-5)
    assert batch_dependence(copies) < 1e-3
