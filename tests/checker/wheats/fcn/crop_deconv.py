"""Unpadded transposed convolutions whose border is cropped away, as in the original code."""
import torch.nn as nn


def center_crop(x, height, width):
    top = (x.shape[2] - height) // 2
    left = (x.shape[3] - width) // 2
    return x[:, :, top:top + height, left:left + width]


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        channels = tuple(encoder.channels)
        self.fc6 = nn.Conv2d(channels[4], 64, 3, padding=1)
        self.fc7 = nn.Conv2d(64, 64, 1)
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(0.3)
        self.score_fr = nn.Conv2d(64, num_classes, 1)
        self.upscore2 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, bias=False)
        self.upscore_pool4 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, bias=False)
        self.upscore8 = nn.ConvTranspose2d(num_classes, num_classes, 16, stride=8, bias=False)
        if skips:
            self.score_pool4 = nn.Conv2d(channels[3], num_classes, 1)
            self.score_pool3 = nn.Conv2d(channels[2], num_classes, 1)

    def forward(self, images):
        h, w = images.shape[2:]
        if h % 32 or w % 32:
            raise ValueError("height and width have to be multiples of 32")
        f = self.encoder(images)
        y = self.drop(self.relu(self.fc6(f["x5"])))
        y = self.drop(self.relu(self.fc7(y)))
        y = self.upscore2(self.score_fr(y))
        y = center_crop(y, h // 16, w // 16)
        if self.skips:
            y = y + self.score_pool4(f["x4"])
        y = center_crop(self.upscore_pool4(y), h // 8, w // 8)
        if self.skips:
            y = y + self.score_pool3(f["x3"])
        return center_crop(self.upscore8(y), h, w)
