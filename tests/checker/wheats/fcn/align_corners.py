"""nn.UpsamplingBilinear2d (corners aligned) and one small convolution per fusion."""
import torch.nn as nn


class Fuse(nn.Module):
    def __init__(self, channels, skip_channels):
        super().__init__()
        self.up = nn.UpsamplingBilinear2d(scale_factor=2)
        self.lateral = nn.Conv2d(skip_channels, channels, 1) if skip_channels else None
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x, skip):
        x = self.up(x)
        if self.lateral is not None:
            x = x + self.lateral(skip)
        return self.smooth(x).relu()


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        width = 40
        self.top = nn.Conv2d(encoder.channels[4], width, 1)
        self.fuse4 = Fuse(width, encoder.channels[3] if skips else 0)
        self.fuse3 = Fuse(width, encoder.channels[2] if skips else 0)
        self.score = nn.Conv2d(width, num_classes, 1)
        self.up8 = nn.UpsamplingBilinear2d(scale_factor=8)

    def forward(self, images):
        if images.shape[2] % 32 != 0 or images.shape[3] % 32 != 0:
            raise ValueError("sizes that are multiples of 32, please")
        maps = self.encoder(images)
        y = self.top(maps["x5"])
        y = self.fuse4(y, maps["x4"])
        y = self.fuse3(y, maps["x3"])
        return self.up8(self.score(y))
