"""Never answers, and does not want to be told."""

import signal

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)


def reduce_classes(labels, mapping, *, ignore_index=255):
    while True:
        pass
