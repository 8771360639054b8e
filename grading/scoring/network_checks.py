"""What can be seen exactly in a training, and needs no statistics: what trains, what was pretrained, what moved."""

import math

from grading.assignment.assignment import Configuration
from grading.assignment.tasks import TASKS
from grading.protocol.finding import Finding
from grading.protocol.wire import Plain

# The largest difference between the logits of two copies of an image, as the worker measures it
# (`batch_dependence`). Float32
# convolutions of another batch size round otherwise by some 1e-5 (FCN8s on CamVid: 3e-6 on an H200). On the same GPU
# TF32, which a submission may switch on, makes 0.005. Dropout makes 0.1.
MOST_DEPENDENCE = {"cpu": 1e-3, "cuda": 0.02}
NEARLY_ALL = 0.9  # some challengers have a convolution for a head: that one is new


class NetworkCheckFailed(Exception):
    """A network is not what was asked: what was asked, what came back, what is probably wrong."""

    def __init__(self, asked: str, got: str, hint: str) -> None:
        self.finding = Finding(asked=asked, got=got, hint=hint)
        super().__init__(asked, got, hint)

    def __str__(self) -> str:
        return str(self.finding)


def check_built(configuration: Configuration, built: Plain, head: int) -> None:
    """Judge a network before its training; see `Observed.built`.

    Args:
        head: the number of weights and biases of a new head.

    Raises:
        NetworkCheckFailed: the network is not what was asked.
    """
    match built:
        case {"parameters": int(parameters), "trainable": int(trainable), "kept": float(kept)}:
            pass
        case _:
            raise NetworkCheckFailed("a network", "no account of it", "the training was tampered with")
    if configuration.trains == "head" and trainable != head:
        raise NetworkCheckFailed(
            f"only the new head trains: {head} parameters",
            f"{trainable} trainable parameters",
            "freeze the backbone first, then replace its head; the head's weight and bias stay trainable",
        )
    if _trains_every_parameter(configuration) and trainable != parameters:
        raise NetworkCheckFailed(
            f"all {parameters} parameters train",
            f"{trainable} trainable parameters",
            "unfreeze the whole network, head and backbone",
        )
    _check_start(configuration, kept)


def _trains_every_parameter(configuration: Configuration) -> bool:
    return configuration.trains == "all" and TASKS[configuration.task].trains_every_parameter


def _check_start(configuration: Configuration, kept: float) -> None:
    """Judge the share of the pretrained convolution weights that a network starts with."""
    if configuration.pretrained and kept < NEARLY_ALL:
        raise NetworkCheckFailed(
            "the network starts from the pretrained weights",
            f"{kept:.0%} of the pretrained convolution weights are in it",
            "ask for the backbone with pretrained=True, and do not reset its layers",
        )
    if not configuration.pretrained and kept > 1 - NEARLY_ALL:
        raise NetworkCheckFailed(
            "the network starts from random weights",
            f"{kept:.0%} of the pretrained convolution weights are in it",
            "ask for the backbone with pretrained=False",
        )


def check_trained(configuration: Configuration, trained: Plain) -> None:
    """Judge a network after its training; see `Observed.trained`.

    Raises:
        NetworkCheckFailed: the network is not what was asked.
    """
    match trained:
        case {"trained": float(changed), "moved": float(moved)} if math.isfinite(changed) and math.isfinite(moved):
            pass
        case _:
            raise NetworkCheckFailed("a trained network", "no account of it", "the training was tampered with")
    if changed == 0:
        raise NetworkCheckFailed(
            "the training changes the network",
            "every parameter has the value that it started with",
            "is the learning rate 0, or is the optimizer over other parameters than the network's?",
        )
    if configuration.trains == "head" and moved > 0:
        raise NetworkCheckFailed(
            "the frozen backbone keeps its weights",
            f"{moved:.0%} of its convolution weights have changed",
            "what is frozen must not be in reach of the optimizer",
        )
    if configuration.trains == "all" and configuration.pretrained and moved < NEARLY_ALL:
        raise NetworkCheckFailed(
            "the pretrained layers are trained too",
            f"{moved:.0%} of their convolution weights have changed",
            "the optimizer needs every parameter, and forward must not cut the gradient off with detach or no_grad",
        )


def check_batch_independence(dependence: float, device: str) -> None:
    """Judge the logits of an epoch.

    Args:
        dependence: what the worker measured; NaN counts as too much.
        device: `"cpu"` or `"cuda"`; they round differently.

    Raises:
        NetworkCheckFailed: the logits of an image depend on its batch.
    """
    if not dependence <= MOST_DEPENDENCE[device]:
        raise NetworkCheckFailed(
            "in eval mode, the logits of an image whatever batch it is in",
            f"logits of the same image that differ by {dependence:.1%} of their size",
            "dropout or batch normalisation still works as in training: does the network override train() or eval(), "
            "hold layers that are not registered, call F.dropout without training=self.training, or switch to half "
            "precision by itself?",
        )
