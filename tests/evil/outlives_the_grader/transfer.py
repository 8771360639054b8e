"""Ignores what can be ignored, leaves children, grandchildren and sessions of its own, and never comes back."""

import contextlib
import os
import signal
import time

SECONDS = 120


def stay() -> None:
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(0.1)
    os._exit(0)


def build_case(case, alexnet, num_classes=2):
    for own_session in (False, True):
        for generations in (1, 2):
            if os.fork() == 0:
                if own_session:
                    os.setsid()
                if generations == 2 and os.fork():
                    os._exit(0)
                stay()
    print("hw4-evil stays", flush=True)
    stay()
