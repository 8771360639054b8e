"""What `--help` shows: what a command does, its options in groups, and examples."""

import textwrap
from argparse import ArgumentParser, HelpFormatter

RUN_ALL = "python grading/run_all.py"

# By command: arguments, and what they do.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    RUN_ALL: (
        ("hw4 --tests-only", "test your own code, as a grading does"),
        ("hw4 --only Q1-1", "test and train one question"),
        ("handed_in/ada --out results/ada --open", "grade a submission, and look at the report"),
        ("handed_in/ada --out results/ada --resume", "go on where that was stopped"),
        ("--profile report --faces CelebA --camvid CamVid", "the report's protocol, with real data"),
    ),
    "python -m grading class": (
        ("export.zip --out gradebook", "grade what Gradescope, Canvas or GitHub Classroom exported"),
        ("handed_in --out gradebook --tests-only", "only the tests: some seconds for each submission"),
        ("handed_in --out gradebook --only-students ada,bob --rerun ada", "two students; one of them from scratch"),
    ),
    "python -m grading calibrate": (
        ("--profile mini --seeds 20", "calibrate all configurations for this machine"),
        ("--profile mini --seeds 20 --only Q1-1", "calibrate one, and keep what is known of the others"),
    ),
    "python -m grading package": (
        ("gradescope --out autograder.zip", "an autograder to upload"),
        ("github --out template", "a workflow for the template repository"),
    ),
    "python -m grading handout": (("handout", "the folder that students get"),),
    "python -m grading fetch": (
        ("", "all that the report profile can download"),
        ("weights --classifier resnet50", "the weights of one network"),
    ),
    "python -m grading pretrain": (
        ("--list", "which networks there are, and what each costs"),
        ("densenet121", "for submissions whose challenger is DenseNet-121"),
    ),
    "python -m grading check_tests": (
        ("", "all right and wrong modules"),
        ("--only 'metrics/*'", "those of one module"),
        ("--seeds 5", "right modules only, on other inputs"),
    ),
    "python -m grading check_verdicts": (("--only Q1-1", "the gates of one question"),),
    "python -m grading check_class": (
        ("--profile mini --submissions 20 --kills 3 --tests-only", "a quick made-up class"),
    ),
}


class Paragraphs(HelpFormatter):
    """Wraps each paragraph for itself, and leaves indented lines as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = textwrap.dedent(text).strip("\n").split("\n\n")
        filled = [
            textwrap.indent(paragraph, indent)
            if any(line.startswith(" ") for line in paragraph.splitlines())
            else textwrap.fill(" ".join(paragraph.split()), width, initial_indent=indent, subsequent_indent=indent)
            for paragraph in paragraphs
        ]
        return "\n\n".join(filled)

    def _split_lines(self, text: str, width: int) -> list[str]:
        """The lines of what an option does: no word of it is cut."""
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def new_parser(program: str, about: str | None, *, usage: str | None = None, ends: str = "") -> ArgumentParser:
    """A parser whose `--help` shows the examples of the program.

    Args:
        program: how the command is called, as in EXAMPLES.
        about: the docstring of the command.
        usage: the arguments, if argparse would list too many options.
        ends: the last paragraph of the help.
    """
    epilog = "\n\n".join(filter(None, (_examples(program), ends)))
    shown_usage = None if usage is None else f"{program} {usage}"
    return ArgumentParser(
        prog=program, usage=shown_usage, description=about, epilog=epilog or None, formatter_class=Paragraphs
    )


def _examples(program: str) -> str:
    lines = ["examples:"]
    for arguments, what in EXAMPLES.get(program, ()):
        lines += [f"  {program} {arguments}".rstrip(), f"      {what}"]
    return "\n".join(lines) if len(lines) > 1 else ""
