"""FCN8s with depthwise separable score layers and learnt gates at the skips; bilinear upsampling in between."""

import torch
from torch import nn
from torch.nn import functional as F


class Separable(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        groups = next(g for g in (8, 4, 2, 1) if channels % g == 0)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.GroupNorm(groups, channels)
        self.pointwise = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        return self.pointwise(F.silu(self.norm(self.depthwise(x))))


class Gate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weigh = nn.Conv2d(channels, 1, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.weigh(x))


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        _, _, c3, c4, c5 = encoder.channels
        self.score5 = Separable(c5, num_classes)
        self.skips = skips
        if skips:
            self.score4 = nn.Sequential(Gate(c4), Separable(c4, num_classes))
            self.score3 = nn.Sequential(Gate(c3), Separable(c3, num_classes))

    def forward(self, images):
        if images.shape[-1] % 32 or images.shape[-2] % 32:
            raise ValueError(f"sides must be multiples of 32, got {tuple(images.shape[-2:])}")
        features = self.encoder(images)
        score = self.score5(features["x5"])
        if self.skips:
            for layer, name in ((self.score4, "x4"), (self.score3, "x3")):
                lateral = layer(features[name])
                score = lateral + F.interpolate(score, size=lateral.shape[-2:], mode="bilinear", align_corners=False)
        return F.interpolate(score, size=images.shape[-2:], mode="bilinear", align_corners=False)
