"""Sub-pixel convolutions: a 1x1 convolution to r*r times the channels, then PixelShuffle(r)."""
import torch
from torch import nn


class SubPixel(nn.Module):
    def __init__(self, c_in, c_out, factor):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out * factor * factor, kernel_size=1)
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, x):
        return self.shuffle(self.conv(x))


class FCN8s(nn.Module):
    def __init__(self, encoder: nn.Module, num_classes: int, *, skips: bool = True) -> None:
        super().__init__()
        self.encoder, self.skips = encoder, skips
        _, _, c3, c4, c5 = encoder.channels
        width = 32
        self.up16 = SubPixel(c5, width, 2)
        self.up8 = SubPixel(width, width, 2)
        self.up1 = SubPixel(width, num_classes, 8)
        self.side16 = nn.Conv2d(c4, width, 1) if skips else nn.Identity()
        self.side8 = nn.Conv2d(c3, width, 1) if skips else nn.Identity()
        self.act = nn.ELU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[-2] % 32 > 0 or images.shape[-1] % 32 > 0:
            raise ValueError("H and W must both be divisible by 32")
        x = self.encoder(images)
        at16 = self.up16(x["x5"])
        if self.skips:
            at16 = at16 + self.side16(x["x4"])
        at8 = self.up8(self.act(at16))
        if self.skips:
            at8 = at8 + self.side8(x["x3"])
        return self.up1(self.act(at8))
