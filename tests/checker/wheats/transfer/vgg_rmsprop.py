"""Guard clause first; VGG-11 with batch normalisation and RMSprop."""
from typing import Callable, Tuple

from torch import nn
from torch.optim import Optimizer, RMSprop

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head

FEATURE_EXTRACTOR = "feature_extractor"
FINETUNED = "finetuned"
SCRATCH = "scratch"


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    if case == SCRATCH:
        pretrained = False
    elif case in (FEATURE_EXTRACTOR, FINETUNED):
        pretrained = True
    else:
        raise ValueError(case)

    net = unfreeze(alexnet(pretrained))
    if case == FEATURE_EXTRACTOR:
        net = freeze(net)
    net = replace_head(net, num_classes=num_classes)
    return net


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> Tuple[nn.Module, Optimizer]:
    name = "vgg11_bn"
    net = replace_head(unfreeze(load(name, True)), num_classes=num_classes)
    return net, RMSprop(trainable_parameters(net), lr=1e-5)
