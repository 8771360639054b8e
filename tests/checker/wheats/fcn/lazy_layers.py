"""Lazy layers: their channel counts come from the first images; without skips some are never used."""
import torch
from torch import nn


def up(channels):
    return nn.Sequential(
        nn.LazyConvTranspose2d(channels, kernel_size=4, stride=2, padding=1),
        nn.LazyBatchNorm2d(),
        nn.ReLU(),
    )


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        self.up16, self.up8 = up(64), up(32)
        self.fuse16 = nn.LazyConv2d(64, kernel_size=1)
        self.fuse8 = nn.LazyConv2d(32, kernel_size=1)
        self.up = nn.Sequential(up(16), up(16), nn.LazyConvTranspose2d(num_classes, kernel_size=4, stride=2, padding=1))

    def forward(self, images):
        if images.shape[-2] % 32 or images.shape[-1] % 32:
            raise ValueError(f"sides {tuple(images.shape[-2:])} are not multiples of 32")
        features = self.encoder(images)
        out = self.up16(features["x5"])
        if self.skips:
            out = self.fuse16(torch.cat([out, features["x4"]], dim=1))
        out = self.up8(out)
        if self.skips:
            out = self.fuse8(torch.cat([out, features["x3"]], dim=1))
        return self.up(out)
