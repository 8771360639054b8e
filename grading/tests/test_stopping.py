"""Signals that stop a run: the first one does, and no other one disturbs what comes after it."""

import os
import signal
from itertools import product

import pytest

from grading.commands import stopping
from grading.commands.stopping import OutOfTime, not_stopped, stop_signals
from grading.tests.waiting import wait_until

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


pytestmark = pytest.mark.usefixtures("interruptible")


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("first", "second"), list(product(STOPS, STOPS)))
def test_only_the_first_signal_stops(first: signal.Signals, second: signal.Signals) -> None:
    reached = []
    with stop_signals(None):
        with pytest.raises(KeyboardInterrupt):
            send(first)
        send(second)
        reached.append("between the stop and the results")
        with not_stopped():
            send(second)
            reached.append("results")
        send(second)
        reached.append("after the results")
    assert len(reached) == 3


@pytest.mark.parametrize("number", STOPS)
def test_signals_mean_after_the_block_what_they_meant_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signals(None), pytest.raises(KeyboardInterrupt):
        send(number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", STOPS)
def test_what_is_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop_signals(None):
            send(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("has_alarm", [True, False], ids=["with SIGALRM", "as on Windows"])
def test_a_time_limit_stops_once(has_alarm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "HAS_ALARM", has_alarm)
    with stop_signals(0.4), pytest.raises(OutOfTime):
        wait_until(lambda: False, 20)
    with stop_signals(0.4):
        pass
    wait_until(lambda: False, 0.6)  # a block that has ended is stopped no more


def test_ctrl_c_before_a_time_limit_is_not_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "HAS_ALARM", False)
    with stop_signals(60), pytest.raises(KeyboardInterrupt) as caught:
        send(signal.SIGINT)
    assert not isinstance(caught.value, OutOfTime)
