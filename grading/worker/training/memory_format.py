"""Whether a network takes the memory format in which convolutions are fastest on a GPU."""

import torch
from torch import Tensor, nn

from grading.worker.probes.running import restored_modes


def runs_in(memory_format: torch.memory_format, model: nn.Module, images: Tensor) -> bool:
    """Whether a network runs, forward and backward, with its weights in a memory format.

    A `view` that is right for contiguous tensors raises on others. Afterwards the weights are in this format; buffers,
    gradients and random numbers are as before.
    """
    model.to(memory_format=memory_format)
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = [images.device] if images.device.type == "cuda" else []
    try:
        with restored_modes(model), torch.random.fork_rng(devices):
            model.train()(images).float().sum().backward()
            with torch.no_grad():
                model.eval()(images)
    except Exception:  # if it has another cause, the training shows it
        return False
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        model.zero_grad(set_to_none=True)
    return True


def in_best_format(model: nn.Module, images: Tensor, *, channels_last: bool) -> None:
    """Bring the weights into the channels-last format if that is wanted and the network takes it, else leave them."""
    if channels_last and not runs_in(torch.channels_last, model, images):
        model.to(memory_format=torch.contiguous_format)
