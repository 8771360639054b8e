"""Make one file of mini weights: `python -m grading.backbones.pretrain NAME FILE [SEED]`.

`encoder` is the encoder of part 2, pretrained on streets; any other name is a classifier, pretrained on faces.
"""

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from grading.backbones import proxy
from grading.backbones.proxy_streets import pretrain_encoder
from grading.data.drawn_faces import draw_faces

ENCODER = "encoder"


def main(name: str, file: str, seed: str = "0") -> None:
    """Pretrain and write; a file appears whole or not at all."""
    torch.set_num_threads(1)  # the same bits whatever the machine's cores
    if name == ENCODER:
        state = pretrain_encoder(seed=int(seed))
    else:
        faces = draw_faces(proxy.FACES, proxy.FACES_SEED)
        state = proxy.pretrain_classifier(name, faces, seed=int(seed))
    unfinished = Path(f"{file}.{os.getpid()}")
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, unfinished)
    unfinished.rename(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
