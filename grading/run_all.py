"""Train every configuration with a submission's code, and check it: `python grading/run_all.py --help`."""

import sys
from pathlib import Path

if not __package__:
    # Run as a file: what must be importable is the repository, not the folder of this file.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from grading.commands.exits import as_command


@as_command
def main() -> int:
    # Here: what cannot even be imported is no verdict, either.
    from grading.commands.encoding import use_utf8
    from grading.commands.grade import main

    use_utf8()
    return main()


if __name__ == "__main__":
    sys.exit(main())
