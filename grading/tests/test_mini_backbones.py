"""Thin networks have torchvision's structure: students can change the same parts of them."""

import pytest
import torch
from torch import nn
from torchvision import models

from grading.backbones.encoders import mini_vgg_encoder
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
from grading.data.drawn_faces import ATTRIBUTES, COLOURED_PARTS

FAMILIES = ["alexnet", "vgg11", "vgg16_bn", "mobilenet_v2", "resnet18", "resnet50", "densenet121", "squeezenet1_0"]


@pytest.mark.parametrize("name", FAMILIES)
def test_structure_is_torchvisions(name: str) -> None:
    thin = mini_classifier(name, 7)
    with torch.device("meta"):
        real = models.get_model(name, weights=None)
    assert isinstance(thin, type(real))
    assert [child for child, _ in thin.named_children()] == [child for child, _ in real.named_children()]
    linear = [[part for part in model.modules() if isinstance(part, nn.Linear)] for model in (thin, real)]
    assert len(linear[0]) == len(linear[1])
    assert thin.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize("name", ["googlenet", "efficientnet_b0", "shufflenet_v2_x0_5"])
def test_families_without_a_thin_version_keep_their_size(name: str) -> None:
    assert mini_classifier(name, 7).train()(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize("name", ["no_such_network", "vit_b_16", "fcn_resnet50", "inception_v3"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        mini_classifier(name, 2)


def test_encoder_taps() -> None:
    encoder = mini_vgg_encoder()
    taps = encoder(torch.zeros(2, 3, 64, 96))
    assert {name: tuple(tap.shape) for name, tap in taps.items()} == {
        f"x{level}": (2, width, 64 // 2**level, 96 // 2**level) for level, width in enumerate(encoder.channels, start=1)
    }


def test_the_proxy_task_fills_the_outputs() -> None:
    assert len(ATTRIBUTES) + 3 * len(COLOURED_PARTS) == PROXY_OUTPUTS
