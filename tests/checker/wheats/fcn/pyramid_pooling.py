"""PSPNet's pyramid pooling on x5: means over 1, 2, 3 and 6 bins, each through a 1x1 convolution and batch normalisation."""
import torch
from torch import nn
from torch.nn import functional as F


class PyramidPooling(nn.Module):
    def __init__(self, channels, bins=(1, 2, 3, 6)):
        super().__init__()
        width = channels // len(bins)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(count), nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
            )
            for count in bins
        )
        self.out_channels = channels + len(bins) * width

    def forward(self, x):
        size = x.shape[2:]
        pooled = [F.interpolate(stage(x), size=size, mode="bilinear", align_corners=False) for stage in self.stages]
        return torch.cat([x] + pooled, dim=1)


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        c = encoder.channels
        self.pool = PyramidPooling(c[4])
        self.score5 = nn.Conv2d(self.pool.out_channels, num_classes, 1)
        self.score4 = nn.Conv2d(c[3], num_classes, 1) if skips else None
        self.score3 = nn.Conv2d(c[2], num_classes, 1) if skips else None

    def forward(self, images):
        h, w = images.shape[2], images.shape[3]
        if h % 32 != 0 or w % 32 != 0:
            raise ValueError(f"expected multiples of 32, got {(h, w)}")
        feats = self.encoder(images)
        y = self.score5(self.pool(feats["x5"]))
        y = F.interpolate(y, (h // 16, w // 16), mode="bilinear", align_corners=False)
        if self.skips:
            y = y + self.score4(feats["x4"])
        y = F.interpolate(y, (h // 8, w // 8), mode="bilinear", align_corners=False)
        if self.skips:
            y = y + self.score3(feats["x3"])
        return F.interpolate(y, (h, w), mode="bilinear", align_corners=False)
