"""Self-attention over the cells of x5, flattened with `view`, before the paper's score layers."""
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 8, 1)
        self.key = nn.Conv2d(channels, channels // 8, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        n, c, h, w = x.size()
        q = self.query(x).view(n, -1, h * w).permute(0, 2, 1)
        k = self.key(x).view(n, -1, h * w)
        attention = torch.softmax(torch.bmm(q, k), dim=-1)
        v = self.value(x).view(n, -1, h * w)
        out = torch.bmm(v, attention.permute(0, 2, 1)).view(n, c, h, w)
        return self.weight * out + x


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        self.attention = Attention(encoder.channels[4])
        self.scores = nn.ModuleDict(
            {f"x{i}": nn.Conv2d(encoder.channels[i - 1], num_classes, 1) for i in ((3, 4, 5) if skips else (5,))}
        )

    def forward(self, images):
        n, _, h, w = images.size()
        if h % 32 or w % 32:
            raise ValueError("H and W must be multiples of 32")
        features = self.encoder(images)
        out = self.scores["x5"](self.attention(features["x5"]))
        for name in ("x4", "x3") if self.skips else ():
            out = F.interpolate(out, scale_factor=2, mode="bilinear", align_corners=False)
            out = out + self.scores[name](features[name])
        return F.interpolate(out, size=(h, w), mode="bilinear", align_corners=False)
