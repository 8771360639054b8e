"""The decoder goes through torch.compile; the score layers start at zero."""
import torch
from torch import nn
from torch.nn import functional as F


class Decoder(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.scores = nn.ModuleList(nn.Conv2d(count, num_classes, 1) for count in channels)
        for layer in self.scores:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features, size):
        total = self.scores[0](features[0])
        for layer, feature in zip(self.scores[1:], features[1:]):
            skip = layer(feature)
            total = skip + F.interpolate(total, skip.shape[-2:], mode="bilinear", align_corners=False)
        return F.interpolate(total, size, mode="bilinear", align_corners=False)


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.taps = ("x5", "x4", "x3") if skips else ("x5",)
        counts = dict(zip(("x1", "x2", "x3", "x4", "x5"), encoder.channels))
        self.decoder = torch.compile(Decoder([counts[tap] for tap in self.taps], num_classes))

    def forward(self, images):
        size = images.shape[-2:]
        if any(side % 32 for side in size):
            raise ValueError(f"{tuple(size)} are not multiples of 32")
        features = self.encoder(images)
        return self.decoder([features[tap] for tap in self.taps], size)
