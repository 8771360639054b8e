"""Reports an epoch whose predictions have a shape that NumPy does not take."""

import json
import struct
import sys

SPEC = {"dtype": "uint8", "shape": [0, 2**39, 2**39]}
TEXT = json.dumps({"body": {"event": {"loss": 0.0, "predictions": {"__array__": 0}}}, "arrays": [SPEC]}).encode()
serve = sys.modules["__main__"]


def send(stream, message):
    stream.write(struct.pack("<Q", len(TEXT)) + TEXT)
    stream.flush()


def build_case(case, alexnet, num_classes=2):
    serve.send = send
    return alexnet(True)
