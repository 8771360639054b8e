"""Crops of stacked images and label images."""

from typing import Any

from numpy.typing import NDArray


def centre_crop(images: NDArray[Any], size: int) -> NDArray[Any]:
    """The central squares of images (N, H, W, ...): a view (N, size, size, ...).

    Raises:
        ValueError: the images are smaller than that.
    """
    height, width = images.shape[1:3]
    if min(height, width) < size:
        raise ValueError(f"images of {height} x {width} are too small for a crop of {size}")
    top, left = (height - size) // 2, (width - size) // 2
    return images[:, top : top + size, left : left + size]
