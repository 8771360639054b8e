"""Pretrain one network of the mini profile for this machine.

`python -m grading pretrain --list` shows the networks that `build_challenger` may load in Q1-8, and
`python -m grading pretrain NAME` pretrains one, once.
"""

import io
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TextIO

from grading.backbones.challengers import COSTS, FORBIDDEN, MOST_CHALLENGERS, MOST_SECONDS, known_challengers
from grading.backbones.weights import PROGRESS, mini_file
from grading.commands.exits import PASSED, as_command
from grading.commands.help import new_parser
from grading.data.arrays import cache_folder
from grading.protocol.text import duration

SECONDS_BETWEEN = 5.0  # two lines of progress


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 its weights are in the cache, or the list is shown, 2 bad usage, 4 this command broke."""
    parser = new_parser("python -m grading pretrain", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the name of a convolutional classifier of torchvision")
    parser.add_argument("--list", action="store_true", help="show the networks, and which of them are there at once")
    options = parser.parse_args(arguments)
    if options.list:
        for line in table(cache_folder()):
            print(line)
        return PASSED
    if options.name is None:
        parser.error("give a NAME, or --list")
    if not known_challengers([options.name]):
        parser.error(f"{options.name}: torchvision has no such convolutional classifier that takes images of 64 x 64")
    pretrain(options.name)
    return PASSED


def table(cache: Path) -> Iterator[str]:
    """The networks that a challenger may load, the quickest first, with what each costs.

    Args:
        cache: the folder of weights.
    """
    names = [name for name in COSTS if name not in FORBIDDEN]
    yield "Networks for Q1-8, by the NAME that build_challenger gives to load(NAME, True)."
    yield "Trainings take small versions of them, pretrained on drawn faces; times are those of one core."
    yield ""
    yield f"{'NAME':20}  {'pretraining':12}  when"
    for name in names:
        yield f"{name:20}  {duration(COSTS[name]):12}  {_state(name, mini_file(name, cache))}"
    yield ""
    yield f"build_challenger may load at most {MOST_CHALLENGERS} of them. Other CNNs of torchvision were not measured:"
    yield f"they need `python -m grading pretrain NAME`, as all that take more than {duration(MOST_SECONDS)}."


def _state(name: str, file: Path) -> str:
    if file.is_file():
        return "ready"
    if COSTS[name] <= MOST_SECONDS:
        return "by run_all, once"
    return "needs `python -m grading pretrain NAME`, once"


def pretrain(name: str) -> None:
    """Pretrain a network, and say after epochs how long it will still take."""
    from grading.backbones import pretrain  # here: torch takes seconds to import

    if mini_file(name, cache_folder()).is_file():
        print(f"{name} is ready")
        return
    start = time.monotonic()
    with redirect_stdout(_InWords(name, sys.stdout)):
        pretrain.main(name)
    print(f"{name} is ready, after {duration(time.monotonic() - start)}")


class _InWords(io.TextIOBase):
    """Turns the lines of progress that are printed into sentences; other text stays as it is.

    Args:
        name: of the network.
        out: where the sentences are written.
    """

    def __init__(self, name: str, out: TextIO) -> None:
        self._name = name
        self._out = out
        self._line = ""
        self._told = float("-inf")  # when

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if sentence := self._in_words(line):
                print(sentence, file=self._out, flush=True)
        return len(text)

    def _in_words(self, line: str) -> str | None:
        if not line.startswith(PROGRESS):
            return line
        done, total, left = line.removeprefix(PROGRESS).split()
        now = time.monotonic()
        if now - self._told < SECONDS_BETWEEN and done != total:
            return None
        self._told = now
        if done == "0":
            return f"pretraining {self._name}: about {duration(float(left))}"
        return f"pretraining {self._name}: epoch {done} of {total}, about {duration(float(left))} left"
