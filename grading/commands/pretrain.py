"""Pretrain one network of the mini profile for this machine: `python -m grading pretrain NAME`."""

from collections.abc import Sequence

from grading.backbones.challengers import known_challengers
from grading.commands.exits import as_command
from grading.commands.help import new_parser


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 its weights are in the cache, 2 bad usage, 4 this command broke."""
    parser = new_parser("python -m grading pretrain", __doc__)
    parser.add_argument("name", metavar="NAME", help="the name of a convolutional classifier of torchvision")
    name = parser.parse_args(arguments).name
    if not known_challengers([name]):
        parser.error(f"{name}: torchvision has no such convolutional classifier that takes images of 64 x 64")
    from grading.backbones import pretrain  # here: torch takes seconds to import

    pretrain.main(name)
    return 0
