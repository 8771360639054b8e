"""As in the paper: 1x1 score layers, learnable transposed convolutions initialised to bilinear, FCN-32s without skips."""
import torch
from torch import nn


def bilinear_weight(channels: int, k: int) -> torch.Tensor:
    factor = (k + 1) // 2
    center = factor - 1 if k % 2 == 1 else factor - 0.5
    og = torch.arange(k, dtype=torch.float32)
    f = 1 - (og - center).abs() / factor
    w = torch.zeros(channels, channels, k, k)
    w[range(channels), range(channels)] = torch.outer(f, f)
    return w


def up(channels, factor):
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(bilinear_weight(channels, 2 * factor))
    return layer


class FCN8s(nn.Module):
    def __init__(self, encoder: nn.Module, num_classes: int, *, skips: bool = True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        self.score_fr = nn.Conv2d(encoder.channels[4], num_classes, 1)
        if skips:
            self.score_pool4 = nn.Conv2d(encoder.channels[3], num_classes, 1)
            self.score_pool3 = nn.Conv2d(encoder.channels[2], num_classes, 1)
            self.upscore2 = up(num_classes, 2)
            self.upscore_pool4 = up(num_classes, 2)
            self.upscore8 = up(num_classes, 8)
        else:
            self.upscore32 = up(num_classes, 32)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        h, w = images.shape[-2:]
        if h % 32 or w % 32:
            raise ValueError(f"height and width must be multiples of 32, got {h}x{w}")
        f = self.encoder(images)
        s = self.score_fr(f["x5"])
        if not self.skips:
            return self.upscore32(s)
        s = self.upscore2(s) + self.score_pool4(f["x4"])
        s = self.upscore_pool4(s) + self.score_pool3(f["x3"])
        return self.upscore8(s)
