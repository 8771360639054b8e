"""Which networks a challenger may ask for, and what each costs in the mini profile.

A challenger is the student's choice, and its pretraining is work outside the sandbox: so only what is listed here is
pretrained for a submission, and only if it is cheap enough.
"""

from collections.abc import Iterable, Sequence

from grading.protocol.text import duration

MOST_CHALLENGERS = 3
"""Networks that one submission may load: it may compare some before it returns one."""

MOST_SECONDS = 900.0
"""The longest pretraining that a submission is given, on one core of the machine that COSTS was measured on."""

REFERENCE = "mobilenet_v2"
FORBIDDEN = ("alexnet", "resnet18")  # by the assignment: the tests of the student API refuse them
SHOWN = 12  # of the networks that are pretrained, where one is not

COSTS: dict[str, float] = {
    "alexnet": 40,
    "mobilenet_v2": 78,
    "resnet18": 92,
    "squeezenet1_1": 94,
    "shufflenet_v2_x0_5": 97,
    "vgg11": 112,
    "resnet34": 135,
    "vgg13": 164,
    "mobilenet_v3_small": 170,
    "vgg11_bn": 170,  # measured whole
    "squeezenet1_0": 178,
    "vgg16": 203,
    "shufflenet_v2_x1_0": 204,  # measured whole
    "densenet121": 206,
    "vgg13_bn": 224,
    "mnasnet0_5": 227,
    "shufflenet_v2_x1_5": 230,
    "resnet50": 234,  # measured whole
    "vgg19": 244,
    "densenet161": 274,
    "regnet_x_400mf": 277,
    "densenet169": 280,
    "vgg16_bn": 283,
    "resnet101": 294,
    "vgg19_bn": 330,
    "mnasnet0_75": 338,
    "mobilenet_v3_large": 340,
    "densenet201": 354,
    "regnet_y_400mf": 369,
    "shufflenet_v2_x2_0": 377,
    "mnasnet1_0": 395,
    "regnet_x_800mf": 415,
    "regnet_y_800mf": 421,
    "resnet152": 460,
    "googlenet": 466,
    "efficientnet_b0": 513,
    "mnasnet1_3": 551,
    "regnet_x_1_6gf": 688,
    "efficientnet_b2": 803,
    "efficientnet_b1": 824,
    "regnet_y_1_6gf": 884,
    "efficientnet_b3": 1080,
    "resnext50_32x4d": 1410,
    "efficientnet_v2_s": 1424,
    "efficientnet_b4": 1497,
    "convnext_tiny": 1696,
    "efficientnet_b5": 2180,
    "efficientnet_v2_m": 2797,
    "efficientnet_b6": 2958,
    "convnext_small": 3202,
    "regnet_x_16gf": 3584,
    "wide_resnet50_2": 4179,
    "efficientnet_b7": 4475,
    "convnext_base": 5803,
    "efficientnet_v2_l": 6260,
    "convnext_large": 13024,
}
"""Processor seconds that the pretraining of the mini network takes on one core (x86, AVX2, torch 2.14.1; the three that
were measured whole took at most 1 GiB).

The others are two steps at the same batch size, extrapolated, times 0.75: of that the whole ones took 0.72 to 0.79.
"""


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
        f"`python -m grading pretrain {name}` does it once for this machine, and `--profile report` takes "
        f"ImageNet's weights. mini pretrains {', '.join(f'{other} ({duration(COSTS[other])})' for other in cheapest)}, "
        f"...: `python -m grading pretrain --list` shows all"
    )


def times_the_reference(names: Iterable[str]) -> float:
    """How many times as long as the reference's a mini training of the slowest of these networks takes, at most.

    Their pretrainings compare so; of a training, the same pictures and predictions are a part.
    """
    return max([1.0, *(COSTS[name] / COSTS[REFERENCE] for name in names if name in COSTS)])
