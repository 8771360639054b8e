"""The paper's own layout: a 7x7 fc6, unpadded transposed convolutions and crops by hand, one cell from each side."""
import torch
from torch import nn


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        c3, c4, c5 = encoder.channels[2:]
        self.fc6 = nn.Conv2d(c5, 128, 7, padding=3)
        self.fc7 = nn.Conv2d(128, 128, 1)
        self.score_fr = nn.Conv2d(128, num_classes, 1)
        self.score_pool4 = nn.Conv2d(c4, num_classes, 1)
        self.score_pool3 = nn.Conv2d(c3, num_classes, 1)
        self.upscore2 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, bias=False)
        self.upscore_pool4 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, bias=False)
        self.upscore8 = nn.ConvTranspose2d(num_classes, num_classes, 16, stride=8, bias=False)
        self.dropout = nn.Dropout2d()

    def forward(self, images):
        height, width = images.shape[-2:]
        if height % 32 or width % 32:
            raise ValueError(f"{height} x {width}: not multiples of 32")
        taps = self.encoder(images)
        x3, x4, x5 = taps["x3"], taps["x4"], taps["x5"]
        score = self.dropout(torch.relu(self.fc6(x5)))
        score = self.score_fr(self.dropout(torch.relu(self.fc7(score))))
        score = self.upscore2(score)
        h4, w4 = x4.shape[-2:]
        score = score[:, :, 1 : 1 + h4, 1 : 1 + w4]
        if self.skips:
            score = score + self.score_pool4(x4)
        score = self.upscore_pool4(score)
        h3, w3 = x3.shape[-2:]
        score = score[:, :, 1 : 1 + h3, 1 : 1 + w3]
        if self.skips:
            score = score + self.score_pool3(x3)
        score = self.upscore8(score)
        return score[:, :, 4 : 4 + height, 4 : 4 + width].contiguous()
