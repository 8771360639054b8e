"""Learnable transposed convolutions (4x4, 4x4, 16x16), initialised to bilinear interpolation."""
import torch
import torch.nn as nn


def bilinear_kernel(size):
    factor = (size + 1) // 2
    center = factor - 1 if size % 2 == 1 else factor - 0.5
    line = 1 - (torch.arange(size, dtype=torch.float32) - center).abs() / factor
    return line[:, None] * line[None, :]


def upsampler(channels, factor):
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        for c in range(channels):
            layer.weight[c, c] = bilinear_kernel(2 * factor)
    return layer


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.backbone = encoder
        self.score_x5 = nn.Conv2d(encoder.channels[-1], num_classes, kernel_size=1)
        self.up_2a = upsampler(num_classes, 2)
        self.up_2b = upsampler(num_classes, 2)
        self.up_8 = upsampler(num_classes, 8)
        self.score_x4 = nn.Conv2d(encoder.channels[-2], num_classes, kernel_size=1) if skips else None
        self.score_x3 = nn.Conv2d(encoder.channels[-3], num_classes, kernel_size=1) if skips else None

    def forward(self, images):
        _, _, h, w = images.shape
        if (h % 32, w % 32) != (0, 0):
            raise ValueError("H and W must be multiples of 32, not %d and %d" % (h, w))
        features = self.backbone(images)
        stride16 = self.up_2a(self.score_x5(features["x5"]))
        if self.score_x4 is not None:
            stride16 = stride16 + self.score_x4(features["x4"])
        stride8 = self.up_2b(stride16)
        if self.score_x3 is not None:
            stride8 = stride8 + self.score_x3(features["x3"])
        return self.up_8(stride8)
