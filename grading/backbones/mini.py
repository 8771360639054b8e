"""Thin versions of torchvision's classifiers, which train in seconds on a CPU.

They keep torchvision's classes, module names and module order, so that whatever a student does to the real network (a
new head, freezing, hooks) works on the thin one too. Their input is 64 x 64 where the real ones take 224 x 224.
"""

import torch
from torch import nn
from torchvision import models
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, cfgs, make_layers

ALEXNET_CHANNELS = (16, 32, 64, 64, 64)
"""A quarter of AlexNet's: a training takes seconds, and lids and lips can still be told."""

ALEXNET_HIDDEN = 256
"""Width of the fully connected layers, 4096 in AlexNet."""

ALEXNET_DROPOUT = 0.2

PROXY_OUTPUTS = 28
"""Outputs of a pretrained thin network: attributes and colours of a face, see proxy.py."""

THINNING = 4
"""VGG, ResNet and DenseNet keep one channel in this many."""

MOBILENET_WIDTH = 0.75
MOBILENET_STAGES = [[1, 16, 1, 2], [4, 24, 1, 1], [4, 32, 2, 2], [4, 64, 2, 2]]
"""Expansion, channels, repeats and stride: MobileNetV2's first five stages, with fewer repeats. With the stride of its
last stages 2 x 2 positions would be left of a face of 64 x 64."""

RESNETS: dict[str, tuple[type[BasicBlock | Bottleneck], list[int]]] = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
    "resnet152": (Bottleneck, [3, 8, 36, 3]),
}
VGGS = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}
DENSENETS = {
    "densenet121": (6, 12, 24, 16),
    "densenet169": (6, 12, 32, 32),
    "densenet201": (6, 12, 48, 32),
    "densenet161": (6, 12, 36, 24),
}
TRANSFORMERS = ("vit", "swin", "maxvit")


def mini_classifier(name: str, num_outputs: int) -> nn.Module:
    """A thin version of torchvision's classifier `name`, freshly initialised; the real one where there is no thin one.

    From ImageNet-normalised float (N, 3, 64, 64) to raw scores, float (N, num_outputs).

    Raises:
        ValueError: torchvision has no convolutional classifier of that name.
    """
    plain_name = name.removesuffix("_bn")
    if name == "alexnet":
        return mini_alexnet(num_outputs)
    if name == "mobilenet_v2":
        return models.MobileNetV2(num_outputs, MOBILENET_WIDTH, MOBILENET_STAGES)
    if plain_name in VGGS:
        return _mini_vgg(VGGS[plain_name], name.endswith("_bn"), num_outputs)
    if name in RESNETS:
        return _MiniResNet(*RESNETS[name], num_classes=num_outputs)
    if name in DENSENETS:
        return DenseNet(32 // THINNING, DENSENETS[name], 64 // THINNING, num_classes=num_outputs)
    if name not in models.list_models(module=models) or name.startswith(TRANSFORMERS):
        raise ValueError(f"torchvision has no convolutional classifier called {name!r}")
    if name == "inception_v3":
        raise ValueError("inception_v3 needs pictures of at least 75 x 75: choose another classifier at mini size")
    # GoogLeNet's auxiliary heads would make its output a tuple in train mode.
    options = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    return models.get_model(name, weights=None, num_classes=num_outputs, **options)


def mini_alexnet(num_outputs: int) -> nn.Module:
    """A thin AlexNet, freshly initialised: torchvision's class with its 13 `features` and 7 `classifier` modules.

    From ImageNet-normalised float (N, 3, 64, 64) to raw scores, float (N, num_outputs).
    """
    c1, c2, c3, c4, c5 = ALEXNET_CHANNELS
    with torch.device("meta"):  # its 57 million weights are replaced below
        model = models.AlexNet(num_classes=1)
    # The first stride is 2 in place of 4: at 64 x 64 the three poolings would leave a single position.
    model.features = nn.Sequential(
        nn.Conv2d(3, c1, kernel_size=7, stride=2, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2),
        nn.Conv2d(c1, c2, kernel_size=5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2),
        nn.Conv2d(c2, c3, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(c3, c4, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(c4, c5, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2),
    )
    model.avgpool = nn.AdaptiveAvgPool2d((3, 3))
    model.classifier = nn.Sequential(
        nn.Dropout(ALEXNET_DROPOUT),
        nn.Linear(c5 * 3 * 3, ALEXNET_HIDDEN),
        nn.ReLU(inplace=True),
        nn.Dropout(ALEXNET_DROPOUT),
        nn.Linear(ALEXNET_HIDDEN, ALEXNET_HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(ALEXNET_HIDDEN, num_outputs),
    )
    _initialise(model)
    return model


class _MiniResNet(ResNet):
    """torchvision's ResNet with a quarter of the channels after the stem, which keeps its 64."""

    def _make_layer(
        self,
        block: type[BasicBlock | Bottleneck],
        planes: int,
        blocks: int,
        stride: int = 1,
        dilate: bool = False,
    ) -> nn.Sequential:
        return super()._make_layer(block, planes // THINNING, blocks, stride, dilate)

    def __init__(self, block: type[BasicBlock | Bottleneck], layers: list[int], num_classes: int) -> None:
        super().__init__(block, layers, num_classes)
        self.fc = nn.Linear(self.inplanes, num_classes)


def _mini_vgg(layout: str, batch_norm: bool, num_outputs: int) -> nn.Module:
    channels = [size if isinstance(size, str) else size // THINNING for size in cfgs[layout]]
    with torch.device("meta"):  # its 120 million weights are replaced below
        model = VGG(nn.Sequential(), num_classes=1, init_weights=False)
    # 64 x 64 leaves 2 x 2 positions after five poolings of 2.
    model.features = make_layers(channels, batch_norm)
    model.avgpool = nn.AdaptiveAvgPool2d((2, 2))
    model.classifier = nn.Sequential(
        nn.Linear(512 // THINNING * 2 * 2, ALEXNET_HIDDEN),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(ALEXNET_HIDDEN, ALEXNET_HIDDEN),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(ALEXNET_HIDDEN, num_outputs),
    )
    _initialise(model)
    return model


def _initialise(model: nn.Module) -> None:
    """Kaiming: with PyTorch's default the signal fades from layer to layer and a net this thin hardly learns."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
