"""A ModuleDict of named parts; the skip parts always exist (unused without skips)."""
import torch.nn as nn
import torch.nn.functional as F

STRIDE = 32


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.parts = nn.ModuleDict({"encoder": encoder})
        self.skips = skips
        hidden = 20
        names = ["x3", "x4", "x5"]
        for name, channels in zip(names, encoder.channels[2:]):
            self.parts["head_" + name] = nn.Sequential(
                nn.Conv2d(channels, hidden, 3, padding=1),
                nn.Tanh(),
                nn.Conv2d(hidden, num_classes, 1),
            )

    def forward(self, images):
        height, width = images.shape[-2], images.shape[-1]
        if height % STRIDE or width % STRIDE:
            raise ValueError(f"{height}x{width}: not multiples of {STRIDE}")
        maps = self.parts["encoder"](images)
        order = ["x5", "x4", "x3"] if self.skips else ["x5"]
        score = None
        for name in order:
            side = self.parts["head_" + name](maps[name])
            if score is None:
                score = side
            else:
                score = F.interpolate(score, size=side.shape[2:], mode="bilinear", align_corners=False) + side
        return F.interpolate(score, size=(height, width), mode="bilinear", align_corners=False)
