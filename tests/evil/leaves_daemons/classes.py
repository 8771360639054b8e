"""Leaves processes behind that belong to nobody."""

import os
import time


def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)


def reduce_classes(labels, mapping, *, ignore_index=255):
    for _ in range(3):
        daemon()
    return labels
