"""Nearest upsampling followed by 3x3 convolutions, in a ModuleList of five stages; skips are projected and added."""
import torch.nn as nn


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.num_classes = num_classes
        widths = [32, 24, 16, 12, 8]
        self.stages = nn.ModuleList()
        c_in = encoder.channels[4]
        for c_out in widths:
            self.stages.append(
                nn.Sequential(
                    nn.Upsample(scale_factor=2, mode="nearest"),
                    nn.Conv2d(c_in, c_out, kernel_size=3, padding=1),
                    nn.LeakyReLU(0.1),
                )
            )
            c_in = c_out
        self.projections = nn.ModuleList()
        if skips:
            self.projections.append(nn.Conv2d(encoder.channels[3], widths[0], kernel_size=1))
            self.projections.append(nn.Conv2d(encoder.channels[2], widths[1], kernel_size=1))
        self.head = nn.Conv2d(widths[-1], num_classes, kernel_size=3, padding=1)

    def forward(self, images):
        n, _, h, w = images.shape
        if h % 32 or w % 32:
            raise ValueError("the encoder halves five times: H and W must be multiples of 32")
        features = self.encoder(images)
        sources = [features["x4"], features["x3"]]
        y = features["x5"]
        for i, stage in enumerate(self.stages):
            y = stage(y)
            if i < len(self.projections):
                y = y + self.projections[i](sources[i])
        out = self.head(y)
        assert out.shape == (n, self.num_classes, h, w)
        return out
