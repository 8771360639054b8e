"""Two decoder classes, one with skips and one without; instance normalisation, context from the whole of x5."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Context(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.local = nn.Conv2d(channels, width, 3, padding=1)
        self.globally = nn.Linear(channels, width)

    def forward(self, x):
        mean = x.mean(dim=(2, 3))
        return F.relu(self.local(x) + self.globally(mean)[:, :, None, None])


class PlainDecoder(nn.Module):
    def __init__(self, channels, num_classes, width=32):
        super().__init__()
        self.context = Context(channels[4], width)
        self.score = nn.Conv2d(width, num_classes, 1)

    def forward(self, features, size):
        return F.interpolate(self.score(self.context(features["x5"])), size=size, mode="bicubic", align_corners=False)


class SkipDecoder(nn.Module):
    def __init__(self, channels, num_classes, width=32):
        super().__init__()
        self.context = Context(channels[4], width)
        self.lateral4 = nn.Conv2d(channels[3], width, 1, bias=False)
        self.lateral3 = nn.Conv2d(channels[2], width, 1, bias=False)
        self.norm16 = nn.InstanceNorm2d(width, affine=True)
        self.norm8 = nn.InstanceNorm2d(width, affine=True)
        self.score = nn.Conv2d(width, num_classes, 1)

    def forward(self, features, size):
        x3, x4, x5 = (features[k] for k in ("x3", "x4", "x5"))
        y = F.interpolate(self.context(x5), size=x4.shape[-2:], mode="bilinear")
        y = self.norm16(y + self.lateral4(x4)).relu()
        y = F.interpolate(y, size=x3.shape[-2:], mode="bilinear")
        y = self.norm8(y + self.lateral3(x3)).relu()
        return F.interpolate(self.score(y), size=size, mode="bilinear")


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        decoder = SkipDecoder if skips else PlainDecoder
        self.decoder = decoder(encoder.channels, num_classes)

    def forward(self, images):
        size = images.shape[-2:]
        if size[0] % 32 != 0 or size[1] % 32 != 0:
            raise ValueError(f"{tuple(size)} are not multiples of 32")
        return self.decoder(self.encoder(images), size)
