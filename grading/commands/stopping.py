"""What stops a run before its end: signals, and a time limit. Results are written all the same."""

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# How long before a time limit a run is stopped: to end workers and write results takes some 2 s.
MARGIN_SECONDS, MARGIN_SHARE = 5.0, 0.03

HAS_ALARM = hasattr(signal, "setitimer")


class OutOfTime(KeyboardInterrupt):
    """The time limit of the run is near. It is handled as Ctrl-C is."""


class _Alarm:
    """Stops the run after some time: by SIGALRM, or on Windows, which has no such signal, as Ctrl-C does.

    Attributes:
        rang: whether it has stopped the run without SIGALRM.
    """

    def __init__(self) -> None:
        self.rang = False
        self._timer: threading.Timer | None = None

    def set(self, seconds: float) -> None:
        """Stop after this time."""
        if HAS_ALARM:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            return
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Do not stop any more."""
        if HAS_ALARM:
            signal.setitimer(signal.ITIMER_REAL, 0)
        elif self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self.rang = True
        _thread.interrupt_main()


@contextmanager
def stop_signals(time_limit: float | None) -> Iterator[None]:
    """Within the block, SIGTERM, SIGHUP and a time limit that is near stop the run as Ctrl-C does.

    Only the first one does, a second Ctrl-C neither: it must not disturb the writing of the results. Ctrl-\\ ends the
    process at once.

    Args:
        time_limit: in seconds from now; None for none.
    """
    numbers = _stop_signals_in_use()
    handlers_before = {}
    alarm = _Alarm()

    def stop(number: int, _: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise OutOfTime if alarm.rang or signal.Signals(number).name == "SIGALRM" else KeyboardInterrupt

    try:
        for number in numbers:
            handlers_before[number] = signal.signal(number, stop)
        if time_limit is not None:
            alarm.set(time_limit - margin(time_limit))
        yield
    finally:
        if time_limit is not None:
            alarm.cancel()
        for number, handler in handlers_before.items():
            signal.signal(number, handler)


@contextmanager
def not_stopped() -> Iterator[None]:
    """Within the block, which writes results, neither Ctrl-C nor what `stop_signals` handles stops the run."""
    numbers = _stop_signals_in_use()
    handlers_before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers_before.items():
            signal.signal(number, handler)


def _stop_signals_in_use() -> list[signal.Signals]:
    """The signals that stop a run, but for those that this process ignores, as under nohup.

    There are none outside the main thread, which alone may handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGBREAK")  # the last one: Ctrl-Break of Windows
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]


def margin(time_limit: float) -> float:
    """The seconds before the end of a time limit in which workers are ended and results written."""
    return min(max(MARGIN_SECONDS, MARGIN_SHARE * time_limit), time_limit / 2)
