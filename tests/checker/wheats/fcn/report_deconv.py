"""The report's decoder, but for 8 channels at the end: five times transposed convolution, ReLU, BatchNorm, then a 1x1 convolution."""
import torch
import torch.nn as nn
from torch import Tensor


class FCN8s(nn.Module):
    def __init__(self, encoder: nn.Module, num_classes: int, *, skips: bool = True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        c1, c2, c3, c4, c5 = encoder.channels
        self.relu = nn.ReLU(inplace=True)
        self.deconv1 = nn.ConvTranspose2d(c5, c4, kernel_size=3, stride=2, padding=1, output_padding=1)
        self.bn1 = nn.BatchNorm2d(c4)
        self.deconv2 = nn.ConvTranspose2d(c4, c3, kernel_size=3, stride=2, padding=1, output_padding=1)
        self.bn2 = nn.BatchNorm2d(c3)
        self.deconv3 = nn.ConvTranspose2d(c3, c2, kernel_size=3, stride=2, padding=1, output_padding=1)
        self.bn3 = nn.BatchNorm2d(c2)
        self.deconv4 = nn.ConvTranspose2d(c2, c1, kernel_size=3, stride=2, padding=1, output_padding=1)
        self.bn4 = nn.BatchNorm2d(c1)
        self.deconv5 = nn.ConvTranspose2d(c1, 8, kernel_size=3, stride=2, padding=1, output_padding=1)
        self.bn5 = nn.BatchNorm2d(8)
        self.classifier = nn.Conv2d(8, num_classes, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        if height % 32 != 0 or width % 32 != 0:
            raise ValueError(f"height and width must be multiples of 32, got {height}x{width}")
        features = self.encoder(images)
        x5, x4, x3 = features["x5"], features["x4"], features["x3"]

        score = self.bn1(self.relu(self.deconv1(x5)))
        if self.skips:
            score = score + x4
        score = self.bn2(self.relu(self.deconv2(score)))
        if self.skips:
            score = score + x3
        score = self.bn3(self.relu(self.deconv3(score)))
        score = self.bn4(self.relu(self.deconv4(score)))
        score = self.bn5(self.relu(self.deconv5(score)))
        return self.classifier(score)
