"""Bilinear transposed conv layers frozen by requires_grad_(False) (so not learnable), learnable 1x1 scores, GroupNorm(1)."""
import torch
import torch.nn as nn


def bilinear_layer(c, f):
    layer = nn.ConvTranspose2d(c, c, 2 * f, stride=f, padding=f // 2, groups=c, bias=False)
    r = 1 - ((torch.arange(2 * f) + 0.5) / f - 1).abs()
    layer.weight.data = (r[:, None] * r).expand(c, 1, -1, -1).clone()
    return layer.requires_grad_(False)


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        self.s5 = nn.Sequential(nn.Conv2d(encoder.channels[4], 32, 1), nn.GroupNorm(1, 32), nn.CELU(), nn.Conv2d(32, num_classes, 1))
        if skips:
            self.s4 = nn.Conv2d(encoder.channels[3], num_classes, 1)
            self.s3 = nn.Conv2d(encoder.channels[2], num_classes, 1)
        self.up2 = bilinear_layer(num_classes, 2)
        self.up8 = bilinear_layer(num_classes, 8)

    def forward(self, images):
        if images.shape[2] % 32 or images.shape[3] % 32:
            raise ValueError("multiple of 32 required")
        f = self.encoder(images)
        y = self.up2(self.s5(f["x5"]))
        y = self.up2(y + self.s4(f["x4"]) if self.skips else y)
        return self.up8(y + self.s3(f["x3"]) if self.skips else y)
