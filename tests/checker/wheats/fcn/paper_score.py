"""The paper: 1x1 score layers on x5, x4 and x3, fused by addition, with bilinear upsampling x2, x2, x8."""
import torch.nn as nn
import torch.nn.functional as F


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        self.score5 = nn.Conv2d(encoder.channels[4], num_classes, 1)
        if skips:
            self.score4 = nn.Conv2d(encoder.channels[3], num_classes, 1)
            self.score3 = nn.Conv2d(encoder.channels[2], num_classes, 1)

    @staticmethod
    def _check(images):
        h, w = images.shape[2], images.shape[3]
        if h % 32:
            raise ValueError(f"height {h} is not a multiple of 32")
        if w % 32:
            raise ValueError(f"width {w} is not a multiple of 32")

    def forward(self, images):
        self._check(images)
        x = self.encoder(images)
        score = self.score5(x["x5"])
        score = F.interpolate(score, scale_factor=2, mode="bilinear", align_corners=False)
        if self.skips:
            score = score + self.score4(x["x4"])
        score = F.interpolate(score, scale_factor=2, mode="bilinear", align_corners=False)
        if self.skips:
            score = score + self.score3(x["x3"])
        return F.interpolate(score, scale_factor=8, mode="bilinear", align_corners=False)
