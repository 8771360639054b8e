"""Where the mini encoder's weights come from: pretraining on other questions about drawn streets.

Stands in for ImageNet. Shown a scene over which a few shapes lie, the network says which shapes they are, and what
colours, how uneven and how busy (edges across and along) the picture is on a coarse grid. It never sees a label image.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional as F

from grading.backbones.encoders import mini_vgg_encoder
from grading.data.drawn_streets import draw_streets

STREETS = 1200
STREETS_SEED = 1_000_033  # far from any seed of the homework's own
CROP = 64
GRID = 4
SHAPES = ("disc", "ring", "square", "triangle", "bar", "post", "cross", "stripes")
EPOCHS = 10
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
FACTS_PER_CELL = 6

MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)


def pretrain_encoder(*, seed: int = 0, progress: Callable[[int, int], None] | None = None) -> dict[str, Tensor]:
    """Pretrain `mini_vgg_encoder()`; bit for bit the same with one thread on the same machine.

    Args:
        seed: of the initialisation, the order, the crops and the shapes.
        progress: called with (epochs done, epochs in all).

    Returns:
        The encoder's state dict.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        rng = np.random.default_rng([STREETS_SEED, seed])
        scenes = draw_streets(STREETS, STREETS_SEED).images
        encoder = mini_vgg_encoder()
        heads = nn.ModuleList(
            nn.Conv2d(encoder.channels[tap], width, kernel_size=1)
            for tap, width in ((3, FACTS_PER_CELL), (4, len(SHAPES)))
        )
        optimizer = torch.optim.AdamW(
            [*encoder.parameters(), *heads.parameters()], LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        steps = -(-STREETS // BATCH_SIZE) * EPOCHS
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
        for epoch in range(EPOCHS):
            for chosen in np.array_split(rng.permutation(STREETS), -(-STREETS // BATCH_SIZE)):
                images, shapes = _batch(rng, scenes[chosen])
                pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
                taps = encoder((pixels - MEAN) / STD)
                facts = F.mse_loss(heads[0](taps["x4"]), local_facts(pixels))
                present = F.binary_cross_entropy_with_logits(
                    heads[1](taps["x5"]).amax((2, 3)), torch.from_numpy(shapes)
                )
                optimizer.zero_grad()
                (facts + present).backward()
                optimizer.step()
                schedule.step()
            if progress is not None:
                progress(epoch + 1, EPOCHS)
        return encoder.state_dict()


def local_facts(pixels: Tensor) -> Tensor:
    """What the picture is like on a GRID x GRID raster, roughly of unit scale.

    Args:
        pixels: float (N, 3, H, W) in [0, 1].

    Returns:
        float (N, FACTS_PER_CELL, GRID, GRID): three mean colours, the spread of brightness, edges across and along.
    """
    grey = pixels.mean(1, keepdim=True)
    across = F.pad((grey[..., :, 1:] - grey[..., :, :-1]).abs(), (0, 1))
    along = F.pad((grey[..., 1:, :] - grey[..., :-1, :]).abs(), (0, 0, 0, 1))
    mean = F.adaptive_avg_pool2d(torch.cat([pixels, grey**2, 4 * across, 4 * along], 1), GRID)
    spread = (mean[:, 3:4] - mean[:, :3].mean(1, keepdim=True) ** 2).clamp(min=0).sqrt()
    return torch.cat([mean[:, :3], 3 * spread, mean[:, 4:]], 1) * 2


def _batch(rng: np.random.Generator, scenes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Random crops with up to three shapes on each, and which shapes they are."""
    images = np.empty((len(scenes), CROP, CROP, 3), dtype=np.uint8)
    present = np.zeros((len(scenes), len(SHAPES)), dtype=np.float32)
    for row, scene in enumerate(scenes):
        top, left = rng.integers(scene.shape[0] - CROP + 1), rng.integers(scene.shape[1] - CROP + 1)
        view = scene[top : top + CROP, left : left + CROP]
        picture = Image.fromarray(np.ascontiguousarray(view[:, ::-1] if rng.random() < 0.5 else view))
        for _ in range(rng.integers(0, 4)):
            kind = int(rng.integers(len(SHAPES)))
            present[row, kind] = 1
            _paint(ImageDraw.Draw(picture), SHAPES[kind], rng)
        images[row] = np.asarray(picture)
    return images, present


def _paint(brush: ImageDraw.ImageDraw, shape: str, rng: np.random.Generator) -> None:
    x, y = rng.uniform(8, CROP - 8, 2)
    r = rng.uniform(3, 8)
    red, green, blue = (int(channel) for channel in rng.integers(20, 236, 3))
    colour = (red, green, blue)
    box = (x - r, y - r, x + r, y + r)
    match shape:
        case "disc":
            brush.ellipse(box, fill=colour)
        case "ring":
            brush.ellipse(box, outline=colour, width=2)
        case "square":
            brush.rectangle(box, fill=colour)
        case "triangle":
            brush.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
        case "bar":
            brush.line([(x - 1.6 * r, y), (x + 1.6 * r, y)], fill=colour, width=2)
        case "post":
            brush.line([(x, y - 1.6 * r), (x, y + 1.6 * r)], fill=colour, width=2)
        case "cross":
            brush.line([(x - r, y - r), (x + r, y + r)], fill=colour, width=2)
            brush.line([(x - r, y + r), (x + r, y - r)], fill=colour, width=2)
        case "stripes":
            for step in range(4):
                offset = x - r + step * r / 1.5
                brush.line([(offset, y - r), (offset, y + r)], fill=colour, width=1)
