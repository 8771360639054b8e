"""Pack what Gradescope or GitHub Classroom runs: `python -m grading package gradescope|github --out FILE`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from grading import ROOT
from grading.assignment.assignment import AssignmentError, read_assignment
from grading.assignment.files import write_whole
from grading.backbones.challengers import COSTS, FORBIDDEN, known_challengers
from grading.commands.exits import PASSED, as_command, refuse
from grading.commands.help import new_parser
from grading.commands.options import positive, seconds
from grading.data.arrays import DataError
from grading.platforms.github import PLACE, workflow
from grading.platforms.gradescope import autograder, pretrained
from grading.platforms.settings import Settings, most_points, tested
from grading.protocol.text import duration, number
from grading.running.resolve import UsageError, chosen

CHEAP = 120  # processor seconds of a pretraining that each image gets unless --challengers says otherwise
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 the package is written, 2 bad usage, 4 this command broke."""
    options = _parser().parse_args(arguments)
    try:
        options.pack(options)
    except (AssignmentError, UsageError, DataError, OSError) as error:
        return refuse(error)
    return PASSED


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("python -m grading package", __doc__)
    platforms = parser.add_subparsers(dest="platform", required=True)
    gradescope = platforms.add_parser(
        "gradescope", help="an autograder to upload", description="Gradescope's autograder."
    )
    gradescope.set_defaults(pack=pack_gradescope)
    _add_grading(gradescope, "9m", "time for one submission: a minute less than Gradescope's own limit")
    add = gradescope.add_argument
    add("--out", type=Path, default=Path("autograder.zip"), metavar="FILE", help="default: %(default)s")
    cheap = "networks for Q1-8 that the image has pretrained (default: the cheap ones; '' for the reference's alone)"
    add("--challengers", metavar="NAME,NAME", help=cheap)
    weights = "a folder with networks that are pretrained already, such as this machine's cache; may be given again"
    add("--weights", type=Path, action="append", default=[], metavar="DIR", help=weights)
    add(
        "--visibility", choices=VISIBILITIES, default="visible", help="when students see results (default: %(default)s)"
    )
    github = platforms.add_parser("github", help="a workflow for GitHub Classroom", description="GitHub's workflow.")
    github.set_defaults(pack=pack_github)
    _add_grading(github, "30m", "time of a grading with --train")
    github.add_argument("--out", type=Path, required=True, metavar="PATH", help="the file, or the repository's folder")
    github.add_argument(
        "--train", action="store_true", help="train the student's networks too; else only the tests run"
    )
    return parser


def _add_grading(parser: argparse.ArgumentParser, limit: str, about_limit: str) -> None:
    """Add the options of a grading that a package passes on."""
    add = parser.add_argument
    add("--only", metavar="Q1-1,Q2-1", help="only these questions or configurations")
    add("--profile", choices=["mini"], default="mini", help="the one that needs no GPU (default: %(default)s)")
    add("--seeds", type=positive, metavar="N", help="trainings of each configuration")
    add("--time-limit", type=seconds, default=limit, metavar=limit, help=f"{about_limit} (default: %(default)s)")
    add("--epochs", type=positive, metavar="N", help="a rehearsal with N epochs, without a verdict")
    add("--limit", type=positive, metavar="N", help="a rehearsal with N training images, without a verdict")


def pack_gradescope(options: argparse.Namespace) -> None:
    """Write the zip file, and say what to set in Gradescope.

    Raises:
        AssignmentError, UsageError, DataError, OSError: one line for the user; nothing is written.
    """
    assignment = read_assignment()
    configurations = chosen(assignment, options.only)
    weights = pretrained(options.weights, configurations)
    asks_for_challengers = any(c.network["build"] == "challenger" for c in configurations)
    named = [*_challengers(options.challengers), *(name for name in weights if name in COSTS)]
    challengers = [name for name in dict.fromkeys(named) if asks_for_challengers and name not in FORBIDDEN]
    settings = Settings(
        arguments=tuple(_arguments(options)),
        configurations=tuple(c.id for c in configurations),
        time_limit=int(options.time_limit),
        challengers=tuple(challengers),
        visibility=options.visibility,
    )
    content = autograder(ROOT, settings, configurations, weights)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    aside = options.out.with_name(f".{options.out.name}.part")
    aside.write_bytes(content)
    aside.replace(options.out)
    print(f"{options.out}: {len(content) / 2**20:.1f} MiB")
    print(f"Gradescope: autograder points {number(most_points(assignment, configurations))}")
    print(
        f"Gradescope: a timeout of more than {duration(settings.time_limit)}; see docs/platforms.md for the container"
    )
    if challengers:
        seconds_left = sum(COSTS.get(name, 0) for name in challengers if name not in weights)
        print(f"pretrained for Q1-8: {', '.join(challengers)}: {duration(seconds_left)} of one core in the build")


def pack_github(options: argparse.Namespace) -> None:
    """Write the workflow.

    Raises:
        AssignmentError, UsageError, OSError: one line for the user; nothing is written.
    """
    assignment = read_assignment()
    configurations = chosen(assignment, options.only)
    if not options.train and not tested(assignment, configurations):
        raise UsageError(f"--only {options.only}: there are no tests of it; give --train")
    limit = int(options.time_limit)
    text = workflow(_arguments(options), assignment, configurations, trains=options.train, seconds=limit)
    out = options.out if options.out.suffix in (".yml", ".yaml") else options.out / PLACE
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text)
    print(f"{out}: commit it in the template repository, as {PLACE}")


def _arguments(options: argparse.Namespace) -> list[str]:
    """The arguments of run_all.py that do not depend on the submission."""
    arguments = ["--profile", options.profile]
    for name in ("only", "seeds", "epochs", "limit"):
        if (value := getattr(options, name)) is not None:
            arguments += [f"--{name}", str(value)]
    return arguments


def _challengers(text: str | None) -> list[str]:
    """The networks that `--challengers` names.

    Raises:
        UsageError: torchvision has no such network, or the assignment forbids it.
    """
    if text is None:
        return [name for name, cost in COSTS.items() if cost <= CHEAP and name not in FORBIDDEN]
    names = [name.strip() for name in text.split(",") if name.strip()]
    usable = [name for name in known_challengers(names) if name not in FORBIDDEN]
    if wrong := [name for name in names if name not in usable]:
        raise UsageError(f"--challengers {', '.join(wrong)}: no network of torchvision's that a challenger may be")
    return names
