"""Where the mini networks' weights come from: pretraining on other questions about drawn faces.

Stands in for ImageNet. A network learns which attributes a face has (glasses, a hat, a smile, ...) and what colours its
lids, cheeks, lips, skin, hair, irises and wall are. It never sees which faces have heavy make-up; but as lids, cheeks
and lips must be looked at, its features are worth something to whoever asks.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from ..data.drawn_faces import DrawnFaces
from .mini import PROXY_OUTPUTS, mini_classifier

FACES = 5000
"""How many faces to draw for the pretraining: about ten times as many as the homework trains on."""

FACES_SEED = 1_000_003
"""Seed of those faces, far from any seed of the homework's own."""

EPOCHS, LEARNING_RATE = 16, 3e-3
"""With batch normalisation, as in nearly every classifier since 2015."""

ALEXNET_EPOCHS, ALEXNET_LEARNING_RATE = 20, 2e-3
"""Without it. After 10 epochs what its frozen features are worth still hangs on the seed, by 0.06 in accuracy."""

BATCH_SIZE = 32
WEIGHT_DECAY = 0.1
DROPOUT = 0.0  # 5,000 faces are enough not to be learnt by heart in so few epochs
COLOUR_MEAN, COLOUR_STD = 0.5, 0.25  # bring colours in [0, 1] to about unit scale
CROP = 64
SMALLEST_CROP = 60  # close to the views of the homework; lids and lips are a few pixels wide
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def pretrain_classifier(
    name: str, faces: DrawnFaces, *, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> dict[str, Tensor]:
    """Pretrain `mini_classifier(name, PROXY_OUTPUTS)` on the attributes and colours of `faces`.

    With the same arguments and one thread the result is the same bit for bit on the same machine.

    Args:
        name: a torchvision classifier.
        faces: `draw_faces(FACES, FACES_SEED)`.
        seed: of the initialisation, the order of the batches, the crops and dropout.
        progress: called with (epochs done, epochs in all) after each epoch.

    Returns:
        The state dict, on the CPU.
    """
    alexnet = name == "alexnet"
    epochs, rate = (ALEXNET_EPOCHS, ALEXNET_LEARNING_RATE) if alexnet else (EPOCHS, LEARNING_RATE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = mini_classifier(name, PROXY_OUTPUTS)
        if isinstance(model, models.SqueezeNet):
            model.classifier[2] = nn.Identity()  # a ReLU behind its head: cut off at 0, the outputs teach it nothing
        dropouts = [module for module in model.modules() if isinstance(module, nn.Dropout)]
        for module in dropouts:
            module.p = DROPOUT  # the state dict does not hold it: who loads the weights trains with dropout
        images = torch.from_numpy(faces.images)
        attributes = torch.from_numpy(faces.attributes).float()
        colours = (torch.from_numpy(faces.colours) - COLOUR_MEAN) / COLOUR_STD
        batches = len(images) // BATCH_SIZE
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * batches)
        model.train()
        for epoch in range(epochs):
            for rows in torch.randperm(len(images))[: batches * BATCH_SIZE].split(BATCH_SIZE):
                outputs = model(_views(images[rows]))
                which, how = outputs.split([attributes.shape[1], colours.shape[1]], dim=1)
                loss = functional.binary_cross_entropy_with_logits(which, attributes[rows])
                loss = loss + functional.mse_loss(how, colours[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            if progress is not None:
                progress(epoch + 1, epochs)
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _views(images: Tensor) -> Tensor:
    """A random crop of each image, mirrored or not: from uint8 (N, 72, 72, 3) to normalised float (N, 3, 64, 64)."""
    side = images.shape[1]
    crop = int(torch.randint(SMALLEST_CROP, side + 1, ()))
    corners = torch.randint(side - crop + 1, (len(images), 2)).tolist()
    batch = torch.stack([image[y : y + crop, x : x + crop] for image, (y, x) in zip(images, corners, strict=True)])
    if torch.rand(()) < 0.5:
        batch = batch.flip(2)
    batch = functional.interpolate(
        batch.permute(0, 3, 1, 2).float() / 255, (CROP, CROP), mode="bilinear", align_corners=False
    )
    return (batch - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)
