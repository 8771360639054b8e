"""What can be seen exactly in a training, and needs no statistics: what trains, what was pretrained, what moved."""

import math

from grading.assignment.assignment import Configuration
from grading.assignment.tasks import TASKS
from grading.protocol.finding import Finding
from grading.protocol.wire import Plain

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
        NetworkCheckFailed: see there.
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
    every = configuration.trains == "all" and TASKS[configuration.task].trains_every_parameter
    if every and trainable != parameters:
        raise NetworkCheckFailed(
            f"all {parameters} parameters train",
            f"{trainable} trainable parameters",
            "unfreeze the whole network, head and backbone",
        )
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
        NetworkCheckFailed: see there.
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
