"""Each tap is instance-normalised before its score: neither contrast nor brightness of an image shows."""
import torch.nn as nn
import torch.nn.functional as F


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.names = ("x5", "x4", "x3")[: 3 if skips else 1]
        counts = {f"x{level}": count for level, count in enumerate(encoder.channels, start=1)}
        self.score = nn.ModuleDict(
            {
                name: nn.Sequential(nn.InstanceNorm2d(counts[name]), nn.Conv2d(counts[name], num_classes, 1))
                for name in self.names
            }
        )

    def forward(self, images):
        if images.shape[2] % 32 or images.shape[3] % 32:
            raise ValueError("sides must be multiples of 32")
        taps = self.encoder(images)
        total = 0
        for name in self.names:
            score = self.score[name](taps[name])
            total = total + F.interpolate(score, size=images.shape[2:], mode="bilinear", align_corners=False)
        return total
