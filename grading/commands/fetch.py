"""Download what the `report` profile needs: ImageNet weights and CamVid. It needs internet.

    python -m grading fetch [weights] [camvid] [--classifier NAME ...] [--weights DIR] [--camvid DIR]

A file whose checksum is wrong is not kept, and what is already there is not downloaded again.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from grading.commands.exits import as_command
from grading.commands.help import new_parser
from grading.data.arrays import DataError, cache_folder, writable
from grading.data.download import CLASSIFIERS, fetch_camvid, fetch_weights
from grading.protocol.text import one_line


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all is there, 1 something is missing (one line says what), 2 bad usage, 4 this command broke."""
    parser = new_parser("python -m grading fetch", "Download weights and data.")
    parser.add_argument("what", nargs="*", choices=("weights", "camvid", "all"), default="all")
    parser.add_argument("--classifier", nargs="+", default=CLASSIFIERS, help="default: %(default)s")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="default: weights/ in the cache, see HW4_CACHE")
    parser.add_argument("--camvid", type=Path, metavar="DIR", help="default: CamVid/ in the cache, see HW4_CACHE")
    options = parser.parse_args(arguments)
    try:
        if "all" in options.what or "weights" in options.what:
            fetch_weights(options.classifier, options.weights or writable(cache_folder()) / "weights")
        if "all" in options.what or "camvid" in options.what:
            fetch_camvid(options.camvid or writable(cache_folder()) / "CamVid")
    except (DataError, OSError) as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return 1
    return 0
