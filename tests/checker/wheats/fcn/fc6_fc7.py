"""VGG's fully connected layers as convolutions, 7x7 and 1x1 with dropout, then as in the paper; scores are added in place."""
from torch import nn


class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        _, _, c3, c4, c5 = encoder.channels
        hidden = 2 * c5
        self.fully_convolutional = nn.Sequential(
            nn.Conv2d(c5, hidden, 7, padding=3),
            nn.ReLU(inplace=True),
            nn.Dropout2d(0.5),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Dropout2d(0.5),
            nn.Conv2d(hidden, num_classes, 1),
        )
        self.skips = skips
        if skips:
            self.score_pool4 = nn.Conv2d(c4, num_classes, 1)
            self.score_pool3 = nn.Conv2d(c3, num_classes, 1)
        self.up2 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.up8 = nn.Upsample(scale_factor=8, mode="bilinear", align_corners=False)

    def forward(self, images):
        if any(side % 32 for side in images.shape[-2:]):
            raise ValueError(f"sides of {tuple(images.shape[-2:])} that are not multiples of 32")
        taps = self.encoder(images)
        score = self.up2(self.fully_convolutional(taps["x5"]))
        if self.skips:
            score += self.score_pool4(taps["x4"])
        score = self.up2(score)
        if self.skips:
            score += self.score_pool3(taps["x3"])
        return self.up8(score)
