"""Draw docs/readme/student.svg, a student's screen with one bug: `python docs/draw_terminal.py` (15 seconds)."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "readme" / "student.svg"
COLUMNS = 92
RIGHT, WRONG = "nn.Linear(old_head.in_features, num_classes,", "nn.Linear(4096, num_classes,"


def checkout_with_a_bug(folder: Path) -> None:
    """A checkout in which a student has written Q1-1, and a head that fits AlexNet at full size only."""
    leave_out = shutil.ignore_patterns("__pycache__", "checker", "evil")
    for name in ("hw4", "tests", "grading"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module in ("freezing", "transfer"):
        shutil.copy(ROOT / "solutions" / f"{module}.py", folder / "hw4")
    source = (ROOT / "solutions" / "heads.py").read_text("utf-8")
    assert RIGHT in source
    (folder / "hw4" / "heads.py").write_text(source.replace(RIGHT, WRONG), encoding="utf-8")


def screen(checkout: Path) -> str:
    """What `pytest -m q1_1` prints there, with colours."""
    environment = os.environ | {"COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "--color=yes", "-m", "q1_1"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    return re.sub(r" in \d+\.\d+s", " in 6.1s", done.stdout)  # the same picture on every machine


def drawing(printed: str) -> str:
    """The screen as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ ", "bold") + Text("pytest -m q1_1"))
    console.print(Text.from_ansi(printed))
    svg = console.export_svg(title="hw4", unique_id="student")
    # Its font lies on another server. Every system has one of its own.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    with TemporaryDirectory() as folder:
        checkout_with_a_bug(Path(folder))
        PICTURE.write_text(drawing(screen(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
