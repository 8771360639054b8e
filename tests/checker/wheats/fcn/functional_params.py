"""Bare nn.Parameters and torch.nn.functional."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def weight(*shape):
    w = torch.empty(*shape)
    nn.init.kaiming_uniform_(w, a=math.sqrt(5))
    return nn.Parameter(w)


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        c1, c2, c3, c4, c5 = encoder.channels
        self.w5 = weight(num_classes, c5, 1, 1)
        self.b5 = nn.Parameter(torch.zeros(num_classes))
        self.u2 = weight(num_classes, num_classes, 4, 4)
        self.u4 = weight(num_classes, num_classes, 4, 4)
        self.u8 = weight(num_classes, num_classes, 16, 16)
        if skips:
            self.w4 = weight(num_classes, c4, 1, 1)
            self.w3 = weight(num_classes, c3, 1, 1)

    def forward(self, images):
        h, w = images.shape[-2:]
        if h % 32 != 0 or w % 32 != 0:
            raise ValueError(f"need multiples of 32, got {h} x {w}")
        feats = self.encoder(images)
        y = F.conv2d(feats["x5"], self.w5, self.b5)
        y = F.conv_transpose2d(y, self.u2, stride=2, padding=1)
        if self.skips:
            y = y + F.conv2d(feats["x4"], self.w4)
        y = F.conv_transpose2d(y, self.u4, stride=2, padding=1)
        if self.skips:
            y = y + F.conv2d(feats["x3"], self.w3)
        return F.conv_transpose2d(y, self.u8, stride=8, padding=4)
