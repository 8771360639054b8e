"""GroupNorm(1) + SiLU and 15x15 depthwise kernels after each fusion, concatenation instead of addition: every logit sees nearly everything."""
import torch
from torch import nn


class Fuse(nn.Module):
    def __init__(self, a, b, out):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(a + b, out, 1), nn.GroupNorm(1, out), nn.SiLU(),
            nn.Conv2d(out, out, 15, padding=7, groups=out), nn.Conv2d(out, out, 1),
        )

    def forward(self, *maps):
        return self.body(torch.cat(maps, 1))


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder, self.skips = encoder, skips
        _, _, c3, c4, c5 = encoder.channels
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.f4 = Fuse(c5, c4 if skips else 0, 48)
        self.f3 = Fuse(48, c3 if skips else 0, 32)
        self.score = nn.Conv2d(32, num_classes, 3, padding=1)
        self.up8 = nn.Upsample(scale_factor=8, mode="bicubic", align_corners=False)

    def forward(self, images):
        if images.size(2) % 32 or images.size(3) % 32:
            raise ValueError("not a multiple of 32")
        f = self.encoder(images)
        x = self.up(f["x5"])
        x = self.f4(x, f["x4"]) if self.skips else self.f4(x)
        x = self.up(x)
        x = self.f3(x, f["x3"]) if self.skips else self.f3(x)
        return self.up8(self.score(x))
