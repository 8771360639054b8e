"""Which images a network sees together."""

from torch import Tensor

LEAST = 2  # in train mode, batch normalisation of one value per channel has no variance


def batches_of(order: Tensor, size: int) -> list[Tensor]:
    """Split image numbers into batches of `size`; a rest of one image joins the batch before it.

    Args:
        order: int64 (N,), at least two images.
        size: at least two.

    Raises:
        ValueError: there are fewer than two images, or `size` is below two.
    """
    if size < LEAST or len(order) < LEAST:
        raise ValueError(f"{len(order)} images in batches of {size}: a training batch needs at least {LEAST}")
    batches = list(order.split(size))
    if len(batches[-1]) < LEAST:
        batches[-2:] = [order[-size - 1 :]]
    return batches
