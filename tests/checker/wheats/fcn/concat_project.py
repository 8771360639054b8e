"""U-Net manner: upsample, concatenate the encoder's feature, 3x3 convolution with BatchNorm and ReLU."""
import torch
from torch import nn
from torch.nn import functional as F


class ConvBlock(nn.Sequential):
    def __init__(self, c_in, c_out):
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, padding=1),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class FCN8s(nn.Module):
    WIDTH = 24

    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.use_skips = bool(skips)
        width = self.WIDTH
        self.reduce = nn.Conv2d(encoder.channels[4], width, 1)
        extra4, extra3 = (encoder.channels[3], encoder.channels[2]) if skips else (0, 0)
        self.fuse16 = ConvBlock(width + extra4, width)
        self.fuse8 = ConvBlock(width + extra3, width)
        self.predict = nn.Conv2d(width, num_classes, 1)

    def forward(self, images):
        if any(side % 32 for side in images.shape[-2:]):
            raise ValueError(f"image size {tuple(images.shape[-2:])} is not a multiple of 32")
        f = self.encoder(images)
        y = self.reduce(f["x5"])
        y = F.interpolate(y, scale_factor=2, mode="nearest")
        if self.use_skips:
            y = torch.cat([y, f["x4"]], dim=1)
        y = self.fuse16(y)
        y = F.interpolate(y, scale_factor=2, mode="nearest")
        if self.use_skips:
            y = torch.cat([y, f["x3"]], dim=1)
        y = self.fuse8(y)
        logits = self.predict(y)
        return F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
