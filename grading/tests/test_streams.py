"""A command goes on if its standard output cannot take what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from grading.reporting.streams import guard_streams
guard_streams()
guard_streams()
for _ in range(2000):
    print("\\u2500 M\\udcfcller \\u4e2d", "x" * 50)
    print("oops \\u2500", file=sys.stderr)
sys.stdout.flush()
sys.exit(3)
"""


@pytest.mark.parametrize(
    "redirection",
    [
        ">/dev/null",
        ">/dev/full",
        ">&-",
        "2>&-",
        ">&- 2>&-",
        "2>/dev/full >/dev/null",
        "| head -1 >/dev/null",
        "2>&1 | true",
    ],
)
@pytest.mark.parametrize("environment", [{}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1:strict"}])
def test_a_closed_or_full_output_does_not_change_the_exit_status(
    redirection: str, environment: dict[str, str], tmp_path: Path, repository: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    python = f"{sys.executable} {tmp_path}/program.py"
    command = f"({python}; echo $? >{tmp_path}/status) {redirection}"
    subprocess.run(
        ["sh", "-c", command],
        cwd=repository,
        env={"PYTHONPATH": str(repository), **environment},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert (tmp_path / "status").read_text() == "3\n"


def test_characters_outside_the_encoding_are_escaped(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        env={"PYTHONPATH": str(repository), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.stdout.splitlines()[0] == rb"\u2500 M\udcfcller \u4e2d " + b"x" * 50
