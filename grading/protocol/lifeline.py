"""A process that ends with the process that started it, however that one ends.

Its standard input is a pipe. The process that started it has the other end, which is closed when that process is gone.
"""

import os
import sys
import threading


def end_with_the_grader() -> None:
    """End this process as soon as its standard input ends, even if that descriptor is closed or replaced before.

    On Windows it does not. There, whoever looks at a pipe from which another thread is reading waits for that thread,
    as libraries do when they are imported.
    """
    if sys.platform == "win32":
        return
    pipe = os.dup(0)

    def wait() -> None:
        os.read(pipe, 1)
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
