"""DeepLab's ASPP on x5: dilated convolutions beside the mean of the image, each with batch normalisation."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def block(c_in, c_out, kernel_size, dilation=1):
    padding = dilation if kernel_size == 3 else 0
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel_size, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class ASPP(nn.Module):
    def __init__(self, c_in, c_out, rates=(6, 12, 18)):
        super().__init__()
        self.branches = nn.ModuleList([block(c_in, c_out, 1), *(block(c_in, c_out, 3, rate) for rate in rates)])
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), block(c_in, c_out, 1))
        self.project = nn.Sequential(block((len(rates) + 2) * c_out, c_out, 1), nn.Dropout(0.1))

    def forward(self, x):
        mean = F.interpolate(self.image(x), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.project(torch.cat([*(branch(x) for branch in self.branches), mean], dim=1))


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        _, _, c3, c4, c5 = encoder.channels
        width = 48
        self.aspp = ASPP(c5, width)
        if skips:
            self.low4 = block(c4, 24, 1)
            self.low3 = block(c3, 24, 1)
        self.fuse4 = block(width + 24 * skips, width, 3)
        self.fuse3 = block(width + 24 * skips, width, 3)
        self.classifier = nn.Conv2d(width, num_classes, 1)

    def forward(self, images):
        size = images.shape[-2:]
        if size[0] % 32 or size[1] % 32:
            raise ValueError("both sides must be multiples of 32")
        taps = self.encoder(images)
        y = self.aspp(taps["x5"])
        y = F.interpolate(y, size=taps["x4"].shape[-2:], mode="bilinear", align_corners=False)
        y = self.fuse4(torch.cat([y, self.low4(taps["x4"])], 1) if self.skips else y)
        y = F.interpolate(y, size=taps["x3"].shape[-2:], mode="bilinear", align_corners=False)
        y = self.fuse3(torch.cat([y, self.low3(taps["x3"])], 1) if self.skips else y)
        return F.interpolate(self.classifier(y), size=size, mode="bilinear", align_corners=False)
