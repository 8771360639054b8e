"""Group normalisation and dropout (off in eval mode) around transposed convolutions."""
import torch.nn as nn


def up(c_in, c_out, p):
    return nn.Sequential(
        nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1),
        nn.GroupNorm(4, c_out),
        nn.GELU(),
        nn.Dropout(p),
    )


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True, dropout=0.2):
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        c = list(encoder.channels)
        self.up1 = up(c[4], 32, dropout)
        self.up2 = up(32, 32, dropout)
        self.up3 = up(32, 16, 0.0)
        self.up4 = up(16, 16, 0.0)
        self.up5 = nn.ConvTranspose2d(16, num_classes, 4, stride=2, padding=1)
        if self.skips:
            self.lateral4 = nn.Conv2d(c[3], 32, 1, bias=False)
            self.lateral3 = nn.Conv2d(c[2], 32, 1, bias=False)

    def forward(self, images):
        features = self.encoder(self.checked(images))
        y = self.up1(features["x5"])
        if self.skips:
            y = y + self.lateral4(features["x4"])
        y = self.up2(y)
        if self.skips:
            y = y + self.lateral3(features["x3"])
        return self.up5(self.up4(self.up3(y)))

    def checked(self, images):
        for side in (images.size(-2), images.size(-1)):
            if side % 32 != 0:
                raise ValueError(f"{side} is not a multiple of 32")
        return images
