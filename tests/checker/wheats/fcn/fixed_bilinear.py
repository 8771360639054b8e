"""Fixed bilinear upsampling with kernels kept in buffers; the score layers are the only things that learn."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Bilinear(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor
        ramp = (torch.arange(factor, dtype=torch.float32) + 0.5) / factor
        line = torch.cat([ramp, ramp.flip(0)])
        self.register_buffer("kernel", torch.outer(line, line)[None, None])

    def forward(self, x):
        channels = x.shape[1]
        kernel = self.kernel.expand(channels, 1, -1, -1)
        return F.conv_transpose2d(x, kernel, stride=self.factor, padding=self.factor // 2, groups=channels)


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        self.up2 = Bilinear(2)
        self.up8 = Bilinear(8)
        hidden = max(16, num_classes)
        self.neck = nn.Sequential(nn.Conv2d(encoder.channels[4], hidden, 3, padding=1, bias=False), nn.ReLU6())
        self.score32 = nn.Conv2d(hidden, num_classes, 1)
        if skips:
            self.score16 = nn.Conv2d(encoder.channels[3], num_classes, 1)
            self.score8 = nn.Conv2d(encoder.channels[2], num_classes, 1)

    def forward(self, images):
        if images.shape[-2] % 32:
            raise ValueError("height")
        if images.shape[-1] % 32:
            raise ValueError("width")
        out = self.encoder(images)
        score = self.up2(self.score32(self.neck(out["x5"])))
        score = score + self.score16(out["x4"]) if self.skips else score
        score = self.up2(score)
        score = score + self.score8(out["x3"]) if self.skips else score
        return self.up8(score)
