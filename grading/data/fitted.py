"""A picture of any shape, whole, in a square."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GREY = (128, 128, 128)


def fitted(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image (H, W, 3) scaled to fit into a square (side, side, 3), grey beside it."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    square = Image.new("RGB", (side, side), GREY)
    square.paste(Image.fromarray(image).resize(size), ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(square)
