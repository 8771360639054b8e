"""Says that the grader has failed in the middle of a training."""

import sys

serve = sys.modules["__main__"]
true_send = serve.send


def send(stream, message):
    true_send(stream, {"fault": "RuntimeError: the grader's weights do not fit"})


def build_case(case, alexnet, num_classes=2):
    serve.send = send
    return alexnet(True)
