"""What a network answers to the validation images: classes, and how far an image's logits depend on its batch.

The class is taken where the logits are: eleven times four bytes a pixel become one.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.running import scores_of

QUIET = 0.25  # quantile of the sizes of logits that rounding is compared with


@torch.no_grad()
def predict(
    model: nn.Module, batches: Iterable[Tensor], answer: tuple[int, ...], copies: Sequence[tuple[int, int]]
) -> Plain:
    """Ask a network about validation images.

    Computed in float32 on GPUs too: in half precision or TF32, the size of a batch alone changes what an image gets.

    Args:
        batches: float32 (n, 3, H, W) each.
        answer: the shape of an image's logits: the classes, then the sides of its answer.
        copies: the places of two copies of an image, for each image that comes twice.

    Returns:
        `{"predictions": uint8 (N, ...), "dependence": float}`, see `batch_dependence`; for classes of whole images
        `"confidence"`, too: float32 (N,), the softmax of the class that is predicted.

    Raises:
        StudentRaised: the network raised, or gave logits of another shape, NaN or infinity.
    """
    model.eval()
    places = sorted({place for pair in copies for place in pair})
    predictions: list[Tensor] = []
    of_copies: dict[int, Tensor] = {}
    extremes: list[Tensor] = []
    confidences: list[Tensor] = []
    count = 0
    for images in batches:
        logits = scores_of(model, images).float()
        if logits.shape != (len(images), *answer):
            wanted = (len(images), *answer)
            raise unusable(f"logits of shape {tuple(logits.shape)} in place of {wanted}")
        predictions.append(classes_of(logits))
        extremes += torch.aminmax(logits)  # NaN if one of them is
        if logits.ndim == 2:
            confidences.append(logits.softmax(1).amax(1))
        inside = [place for place in places if count <= place < count + len(images)]
        of_copies |= {place: logits[place - count].clone() for place in inside}
        count += len(images)
    if not torch.stack(extremes).isfinite().all():
        raise unusable("logits hold NaN or infinity: the training diverged")
    confidence = {"confidence": torch.cat(confidences).cpu().numpy()} if confidences else {}
    return {
        **confidence,
        "predictions": torch.cat(predictions).cpu().numpy(),
        "dependence": batch_dependence([(of_copies[first], of_copies[again]) for first, again in copies]),
    }


def classes_of(logits: Tensor) -> Tensor:
    """The class of the largest logit along axis 1, the first of equals: uint8 (N, ...).

    Two passes over the logits and two over bytes take a third of the time of `argmax` and of `max` on a CPU.
    """
    count = logits.shape[1]
    is_largest = (logits == logits.amax(1, keepdim=True)).view(torch.uint8)
    places_from_the_end = torch.arange(count, 0, -1, dtype=torch.uint8, device=logits.device)
    return count - is_largest.mul_(places_from_the_end.reshape(-1, *[1] * (logits.ndim - 2))).amax(1)


def unusable(what: str) -> StudentRaised:
    """Logits that cannot be scored."""
    return StudentRaised(["ValueError"], what, [])


def batch_dependence(copies: Sequence[tuple[Tensor, Tensor]]) -> float:
    """The largest difference between the logits of two copies of an image, (C, ...) each; 0 if there are none.

    What counts is the range over the classes, as a common offset decides nothing: that of the differences, relative to
    that of the pixel's own logits or, if it is larger, to the lower quartile of the ranges in all copies. Float32
    rounding is of that order. So neither a few huge logits nor a common offset hide anything.
    """
    if not copies:
        return 0.0
    # Image by image, so that each fits into a cache.
    apart = torch.stack([range_over_classes(one - two) for one, two in copies])
    sizes = torch.stack([torch.maximum(range_over_classes(one), range_over_classes(two)) for one, two in copies])
    usual = sizes.flatten().kthvalue(1 + int(QUIET * (sizes.numel() - 1))).values
    return float(torch.where(apart > 0, apart / torch.maximum(sizes, usual), 0.0).max())


def range_over_classes(logits: Tensor) -> Tensor:
    """(...) the largest less the smallest of logits (C, ...)."""
    return logits.amax(0) - logits.amin(0)
