"""Answers for all images at once, in one row."""

from torch import nn


class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, images):
        logits = self.head(images.mean(dim=(2, 3)))
        return logits if self.training else logits.reshape(1, -1)


def build_case(case, alexnet, num_classes=2):
    return Network(num_classes)
