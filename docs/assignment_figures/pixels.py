"""Pictures side by side, as PNG on a white ground."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GAP = 6
GROUND = 255


def sheet(rows: Sequence[Sequence[NDArray[np.uint8]]], scale: int) -> bytes:
    """Rows of pictures, uint8 (H, W, 3), each enlarged so that its pixels stay sharp, as a PNG.

    Pictures of a row have one height, those of a column one width.
    """
    strips = [_joined([_framed(picture.repeat(scale, 0).repeat(scale, 1)) for picture in row], 1) for row in rows]
    return png(_joined(strips, 0))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels as the bytes of a file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(picture, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=GROUND)


def _joined(pictures: Sequence[NDArray[Any]], axis: int) -> NDArray[np.uint8]:
    return np.concatenate(pictures, axis=axis)
