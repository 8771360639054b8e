"""Which networks a challenger may ask for, and what each costs in the mini profile.

A challenger is the student's choice, and its pretraining is work outside the sandbox: so only what is listed here is
pretrained for a submission, and only if it is cheap enough.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from grading.text import duration

MOST_CHALLENGERS = 3
"""Networks that one submission may load: it may compare some before it returns one."""

MOST_SECONDS = 900.0
"""The longest pretraining that a submission is given, on one core of the machine that COSTS was measured on."""

REFERENCE = "mobilenet_v2"
FORBIDDEN = ("alexnet", "resnet18")  # by the assignment: the tests of the student API refuse them
SHOWN = 12  # of the networks that are pretrained, where one is not

COSTS: dict[str, float] = {
    "mobilenet_v2": 75.0,
    "resnet18": 89.0,
    "squeezenet1_1": 90.0,
    "shufflenet_v2_x0_5": 93.0,
    "vgg11": 107.0,
    "resnet34": 130.0,
    "vgg13": 158.0,
    "mobilenet_v3_small": 163.0,
    "vgg11_bn": 171.0,
    "squeezenet1_0": 171.0,
    "shufflenet_v2_x1_0": 187.0,
    "vgg16": 195.0,
    "densenet121": 198.0,
    "vgg13_bn": 215.0,
    "mnasnet0_5": 218.0,
    "shufflenet_v2_x1_5": 220.0,
    "resnet50": 225.0,
    "vgg19": 234.0,
    "densenet161": 264.0,
    "regnet_x_400mf": 266.0,
    "densenet169": 269.0,
    "vgg16_bn": 271.0,
    "resnet101": 282.0,
    "vgg19_bn": 317.0,
    "mnasnet0_75": 324.0,
    "mobilenet_v3_large": 326.0,
    "densenet201": 340.0,
    "regnet_y_400mf": 354.0,
    "shufflenet_v2_x2_0": 362.0,
    "mnasnet1_0": 379.0,
    "regnet_x_800mf": 398.0,
    "regnet_y_800mf": 404.0,
    "resnet152": 442.0,
    "googlenet": 448.0,
    "efficientnet_b0": 492.0,
    "mnasnet1_3": 529.0,
    "regnet_x_1_6gf": 661.0,
    "efficientnet_b2": 771.0,
    "efficientnet_b1": 791.0,
    "regnet_y_1_6gf": 848.0,
    "efficientnet_b3": 1037.0,
    "resnext50_32x4d": 1354.0,
    "efficientnet_v2_s": 1367.0,
    "efficientnet_b4": 1437.0,
    "convnext_tiny": 1628.0,
    "efficientnet_b5": 2093.0,
    "efficientnet_v2_m": 2685.0,
    "efficientnet_b6": 2840.0,
    "convnext_small": 3074.0,
    "regnet_x_16gf": 3440.0,
    "wide_resnet50_2": 4012.0,
    "efficientnet_b7": 4296.0,
    "convnext_base": 5571.0,
    "efficientnet_v2_l": 6010.0,
    "convnext_large": 12504.0,
}
"""Seconds of one core (x86, AVX2, torch 2.14.1) that the pretraining of the mini network takes."""


def known_challengers(names: object) -> list[str]:
    """The networks that a submission's answer names and that can be built, each once.

    Args:
        names: from the sandbox, so anything. What is no CNN of torchvision's, or takes no images of 64 x 64, is left
            out: building it fails in the tests and in the training, and they say why.
    """
    # Imported late: torch takes seconds.
    from torchvision import models

    from grading.backbones.mini import TRANSFORMERS

    cnns = {name for name in models.list_models(module=models) if not name.startswith(TRANSFORMERS)} - {"inception_v3"}
    every = names if isinstance(names, list) else []
    return list(dict.fromkeys(name for name in every if isinstance(name, str) and name in cnns))


def too_many(names: Sequence[str]) -> str | None:
    """Why a submission asks for too many networks; None if it does not."""
    if len(names) <= MOST_CHALLENGERS:
        return None
    return (
        f"build_challenger loads {len(names)} pretrained networks ({', '.join(names[:MOST_CHALLENGERS])}, ...), "
        f"of at most {MOST_CHALLENGERS}"
    )


def too_long(name: str) -> str | None:
    """Why no submission is given the pretraining of a network; None if it is."""
    seconds = COSTS.get(name)
    if seconds is not None and seconds <= MOST_SECONDS:
        return None
    about = "nobody has measured how long" if seconds is None else f"about {duration(seconds)} on one core"
    cheapest = sorted((other for other in COSTS if other not in FORBIDDEN), key=COSTS.__getitem__)[:SHOWN]
    return (
        f"the mini profile pretrains no {name} for a submission ({about}; the limit is {duration(MOST_SECONDS)}). "
        f"`python -m grading.backbones.pretrain {name}` does it once for this machine, and `--profile report` takes "
        f"ImageNet's weights. What mini pretrains stands in {Path(__file__).name}: "
        f"{', '.join(f'{other} ({duration(COSTS[other])})' for other in cheapest)}, ..."
    )


def times_the_reference(names: Iterable[str]) -> float:
    """How many times as long as the reference's a training of the slowest of these networks takes."""
    return max([1.0, *(COSTS[name] / COSTS[REFERENCE] for name in names if name in COSTS)])
