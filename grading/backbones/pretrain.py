"""Make one file of mini weights: `python -m grading.backbones.pretrain NAME [FILE [SEED]]`.

Without FILE it is the one that the grader looks for: this is how a challenger comes to be graded whose pretraining no
submission is given. `encoder` is the encoder of part 2, pretrained on streets; any other name is a classifier,
pretrained on faces. Lines that begin with PROGRESS say how far it is: first, after a few steps on trial, how long it
will take.
"""

import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from grading.backbones import proxy, proxy_streets
from grading.backbones.encoders import mini_vgg_encoder
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
from grading.backbones.weights import ENCODER, PROGRESS, mini_file
from grading.data.arrays import cache_folder, writable
from grading.data.drawn_faces import draw_faces
from grading.data.drawn_streets import draw_streets
from grading.protocol.lifeline import end_with_the_grader

PICTURES_ON_TRIAL, STEPS_ON_TRIAL = 16, 3


def main(name: str, file: str | None = None, seed: str = "0") -> None:
    """Pretrain and write; a file appears whole or not at all."""
    file = file or str(mini_file(name, writable(cache_folder()), int(seed)))
    torch.set_num_threads(1)  # the same bits whatever the machine's cores
    epochs, drawing, training = expected(name)
    tell(0, epochs, drawing + training)
    clock = Clock(training)
    if name == ENCODER:
        state = proxy_streets.pretrain_encoder(seed=int(seed), progress=clock)
    else:
        faces = draw_faces(proxy.FACES, proxy.FACES_SEED)
        state = proxy.pretrain_classifier(name, faces, seed=int(seed), progress=clock)
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise ArithmeticError("it diverged: its weights hold NaN or infinity")
    unfinished = Path(f"{file}.{os.getpid()}")
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, unfinished)
    unfinished.replace(file)


def expected(name: str) -> tuple[int, float, float]:
    """The number of epochs, and the seconds of drawing and of training, measured on a few pictures and steps."""
    if name == ENCODER:
        network: nn.Module = mini_vgg_encoder()
        draw: Callable[[int, int], object] = draw_streets
        pictures, batch_size, epochs = proxy_streets.STREETS, proxy_streets.BATCH_SIZE, proxy_streets.EPOCHS
    else:
        network, draw = mini_classifier(name, PROXY_OUTPUTS), draw_faces
        pictures, batch_size = proxy.FACES, proxy.BATCH_SIZE
        epochs = proxy.ALEXNET_EPOCHS if name == "alexnet" else proxy.EPOCHS
    start = time.perf_counter()
    draw(PICTURES_ON_TRIAL, 0)
    drawing = (time.perf_counter() - start) / PICTURES_ON_TRIAL * pictures
    optimizer = torch.optim.AdamW(network.parameters())
    images = torch.zeros(batch_size, 3, proxy.CROP, proxy.CROP)
    for step in range(STEPS_ON_TRIAL + 1):
        if step == 1:  # the first one takes memory and is slow
            start = time.perf_counter()
        answer = network(images)
        (answer["x5"] if isinstance(answer, dict) else answer).sum().backward()
        optimizer.step()
    step_seconds = (time.perf_counter() - start) / STEPS_ON_TRIAL
    return epochs, drawing, step_seconds * epochs * pictures / batch_size


def tell(done: int, total: int, seconds_left: float) -> None:
    """One line of progress."""
    print(f"{PROGRESS}{done} {total} {seconds_left:.1f}", flush=True)


class Clock:
    """Tells after each epoch how long the rest will take: from the second on as long as the epochs since the first.

    Args:
        expected: seconds of all epochs.
    """

    def __init__(self, expected: float) -> None:
        self._expected = expected
        self._first = 0.0  # when the first epoch had ended

    def __call__(self, done: int, total: int) -> None:
        now = time.perf_counter()
        if done == 1:
            self._first = now
        each = (now - self._first) / (done - 1) if done > 1 else self._expected / total
        tell(done, total, each * (total - done))


if __name__ == "__main__":
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        end_with_the_grader()
    main(*sys.argv[1:])
