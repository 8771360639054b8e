"""A process that ends with the one that started it, in whatever way that one ends.

Its standard input is a pipe, and whoever started it holds the other end: that is closed when the holder is gone.
"""

import os
import threading


def end_with_the_grader() -> None:
    """End this process as soon as its standard input ends, whatever becomes of that descriptor meanwhile."""
    end = os.dup(0)

    def wait() -> None:
        os.read(end, 1)
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
