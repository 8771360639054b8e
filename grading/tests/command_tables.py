"""How each command in README.md, CONTRIBUTING.md and docs/ is tried, or why it is not.

A row is a regular expression for a whole command without its quotes. `test_documented_commands.py` reads the tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """How a command is tried.

    Attributes:
        more: options that make it short or keep its files out of the checkout; `{folder}` is an empty folder.
        status: the exit status; 1 for tests of stubs, 3 for a run without verdicts.
        prints: a text that it prints.
    """

    more: str = ""
    status: int = 0
    prints: str = ""


TRIED: Mapping[str, Trial] = {
    r"python -m grading": Trial(prints="usage:"),
    r"python -m grading COMMAND --help": Trial(prints="usage:"),
    r"python grading/run_all.py --(help|list)": Trial(prints="Q1-1"),
    r"python -m grading package github --out \w+": Trial("--out {folder}", prints="classroom.yml"),
    r"python docs/draw_floors.py": Trial(),
}
"""Those of a second."""

TRIED_SLOWLY: Mapping[str, Trial] = {
    r"pytest --(full|sandbox)": Trial("tests/test_classes.py", 1, "Q2-3    0 of"),
    r"pytest -m (q1_1|Q1-1)": Trial("tests/test_freezing.py", 1, "Q1-1    0 of"),
    r"pytest (tests/test_heads|hw4/heads).py": Trial(status=1, prints="Q1-1    0 of"),
    r"python grading/run_all.py hw4 --only Q1-1": Trial("--profile mini --out {folder}/out", 1, "0 of 5 points"),
    r"python -m grading class SUBMISSIONS --out GRADEBOOK": Trial(
        "--profile mini --only Q2-3 --tests-only --out {folder}/out", 3, "gradebook"
    ),
    r"python -m grading package gradescope --out autograder.zip": Trial(
        "--out {folder}/a.zip", prints="autograder points"
    ),
    r"python -m grading check_tests --only MODULE/ID": Trial("--out {folder}", prints="1 of 1"),
    r"python -c .*self_test.*": Trial(prints="bubblewrap"),
}
"""Those of some seconds."""

RUNS_IN_CI = "minutes; .ci/run runs it"
WHOLE_RUN = "minutes; .ci/run trains all configurations of the same command"
BENCHMARK = "minutes on a quiet machine; test_benchmarks.py runs it on the least data"
OWN_DATA = "faces, CamVid or ImageNet weights, and a GPU or hours"
TESTS = "the grader's own tests, of which this is one"
CALIBRATION = "an hour; test_calibrate.py runs a short one"
VERDICTS = "half an hour; it trains a hundred times"
CLASS = "minutes, for a whole class; the command without further options is tried"
RAY = "a cluster of Ray; test_ray.py runs one on this machine"

LONG: Mapping[str, str] = {
    r"(python -m )?pytest (-n auto )?(-m not slow )?--impl solutions tests grading/tests": RUNS_IN_CI,
    r"pytest --impl solutions( --full -k benchmark| tests/test_MODULE.py)?": RUNS_IN_CI,
    r"pytest( --impl FOLDER| -m q\d_\d| tests/test_\w+.py)?": "half a minute; test_terminal.py runs it on folders",
    r"pytest (-n auto )?grading/(tests|confinement|nightly).*": TESTS,
    r"python grading/run_all.py": RUNS_IN_CI,
    r"python grading/run_all.py .*--profile report.*": OWN_DATA,
    r"python grading/run_all.py (SUBMISSION|solutions|hw4)( --.*)?": WHOLE_RUN,
    r"python -m grading class .*--engine ray.*": RAY,
    r"python -m grading class (SUBMISSIONS|CLONES|submissions) --out (GRADEBOOK|gradebook) --(?!engine).*": CLASS,
    r"python -m grading class CLONES --out GRADEBOOK": CLASS,
    r"python -m grading calibrate --profile mini.*": CALIBRATION,
    r"python -m grading calibrate --profile report.*": OWN_DATA,
    r"python -m grading check_verdicts": VERDICTS,
    r"python -m grading check_tests( --only (MODULE/(NAME|\*)|metrics/iou-\*))?": RUNS_IN_CI,
    r"python -m grading check_class .*": "minutes; test_check_class.py runs a small one",
    r"python -m grading mutate.*": "hours; test_checker.py runs other trials of the same kind",
    r"python -m grading list_tests": "writes into the checkout; test_suite.py compares what it would write",
    r"python -m grading fetch.*": "the internet; test_fetch.py fetches from a server of its own",
    r"python -m grading pretrain (\w+|--list)": "minutes; test_challengers.py pretrains a smaller network",
    r"python -m grading handout \w+": "seconds; test_handout.py makes one and runs it",
    r"python -m benchmarks .*": BENCHMARK,
    r"python docs/draw_(terminal|instructor|assignment).py": "writes into the checkout; seconds to minutes",
}
"""Those of this project that no test runs: why, and what is tested instead."""

STYLE = "the extra `dev`; .ci/run runs it"
PLATFORM_SCRIPTS = "a machine laid out as Gradescope's; test_image.py and test_autograder.py run both scripts"

FOREIGN: Mapping[str, str] = {
    r"((python -m )?pip|apt-get|playwright) install .*": "the internet",
    r"python3 -m venv .venv|\. .venv/bin/activate": "an environment of its own, of which pip makes something",
    r"git clone .*|cd hw4": "the internet",
    r"gh classroom clone .*": "the internet, and an account",
    r"python -c import torch.*": "a GPU",
    r"ruff (format --)?check \.|mypy|lint-imports|pre-commit install": STYLE,
    r"tox( -e .*)?": "the internet, and half an hour",
    r"(NIGHTLY=1 )?\.ci/run": "the internet, and 20 minutes",
    r"(srun )?ray .*": RAY,
    r"sudo sysctl.*": "a machine of one's own",
    r"chmod 700.*|kill -9": "what it changes, or ends, is the reader's",
    r"for d in GRADEBOOK.*|do cp .*|done": "a loop of the shell; test_documents.py runs it",
    r"(mkdir|unzip|cp|export|cat) .*|/tmp/autograder/source/(setup.sh|run_autograder)": PLATFORM_SCRIPTS,
}
"""Those of other programs: what they need that a test does not have."""

TABLES: Mapping[str, Mapping[str, object]] = {
    "TRIED": TRIED,
    "TRIED_SLOWLY": TRIED_SLOWLY,
    "LONG": LONG,
    "FOREIGN": FOREIGN,
}

# What a document writes for a name that the reader chooses, and one that there is. Longer ones first.
EXAMPLES = {"COMMAND": "grade", "MODULE": "metrics", "NAME": "metrics", "THAT": "gate", "TIER": "bubblewrap"} | {
    "ID": "iou-dice",
    "N": "2",
}

OPTION_TABLES: Mapping[str, Sequence[str]] = {
    "README.md": [],
    "CONTRIBUTING.md": ["python -m grading check_tests"],
    "docs/grading-options.md": ["python grading/run_all.py"],
    "docs/class.md": ["python -m grading class SUBMISSIONS --out GRADEBOOK"],
    "docs/performance.md": ["python -m benchmarks metrics"],
    "docs/platforms.md": ["python -m grading package gradescope"],
}
"""By document: the commands that its tables of options belong to, in order."""

OTHER_OPTIONS = {"--train", "-submissions", "--security-opt"}
"""Options in the text that belong to a part of a command (`package github --train`) or to another program."""
