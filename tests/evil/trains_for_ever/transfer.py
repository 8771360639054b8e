"""Makes a training that never ends."""

from torch import nn


class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, images):
        logits = self.head(images.mean(dim=(2, 3)))
        while not self.training:
            pass
        return logits


def build_case(case, alexnet, num_classes=2):
    return Network(num_classes)
