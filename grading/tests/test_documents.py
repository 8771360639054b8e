"""The documents hold together: what counts as a command in them, where links lead, and README's two marked commands."""

import re
import subprocess
from pathlib import Path

import pytest

from grading import ROOT
from grading.tests.documented import Document, documents

DOCUMENTS = documents(ROOT)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("`pytest`", ["pytest"]),
        ("`git`, `head` and `solutions`", []),
        ("`python -m grading`", ["python -m grading"]),
        ("`SNAPSHOTS=write pytest tests/x.py`", ["pytest tests/x.py"]),
        ("`hw4.zip is encrypted; pack it without a password`", []),
        ("| a | b |\n| - | - |\n| `tox` | `a \\| b`, `pip install x` |", ["tox", "pip install x"]),
        ("```\nmystery --now\n```", ["mystery --now"]),
        ("```sh\na 'b c' && d \\\n  e   # why\n# f\n\ng; h | i\n```", ["a b c", "d e", "g", "h", "i"]),
        ("```text\nSUBMISSIONS/\n```", []),
        ("- list\n\n  ```\n  in it\n  ```\n", ["in it"]),
        ("`don't type this`", []),
    ],
)
def test_commands_of_a_document(text: str, commands: list[str]) -> None:
    assert [command.text for command in Document("x.md", text).commands()] == commands


def test_options_and_headings_of_a_document() -> None:
    table = "| option | b |\n| - | - |\n| `--seeds N`, `-j 2` | `--no` |\n"
    document = Document(
        "x.md", f"## What it's for: a `b`\n\n`--only=Q1`\n\n`check --only x`\n\n{table}\n| option |\n| - |\n| `-v` |"
    )
    assert [(t.number, t.options) for t in document.option_tables()] == [(0, ("--seeds N", "-j 2")), (1, ("-v",))]
    assert [m.text for m in document.options()] == ["--only", "--seeds", "-j", "--no", "-v"]
    assert [m.text for m in document.unclear_code()] == ["check --only x"]
    assert document.anchors() == {"what-its-for-a-b"}


def test_links_lead_to_files_and_headings() -> None:
    by_name = {document.name: document for document in DOCUMENTS}
    broken = []
    for document in DOCUMENTS:
        for link in document.links():
            target, _, anchor = link.text.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            path = (ROOT / document.name).parent / target if target else ROOT / document.name
            name = path.resolve().relative_to(ROOT).as_posix()
            if not path.exists() or (anchor and anchor not in by_name[name].anchors()):
                broken.append(link)
    assert broken == []


def test_readme_begins_with_the_two_commands_that_ci_runs() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    marked = {
        lines[n - 1]: lines[n + 1] for n, line in enumerate(lines) if line == "```" and lines[n - 1][:4] == "<!--"
    }
    install = 'python -m pip install -q -e ".[test]" && '
    assert marked == {
        "<!-- main-job -->": install + "python grading/run_all.py",
        "<!-- tests -->": install + "python -m pytest -n auto --impl solutions tests grading/tests",
    }
    assert lines.index("<!-- tests -->") < 20


def test_the_pages_of_a_class_are_gathered(tmp_path: Path) -> None:
    """docs/instructor.md: how each student gets their page."""
    text = (ROOT / "docs" / "instructor.md").read_text(encoding="utf-8")
    (loop,) = re.findall(r"^ *(mkdir back; .*)$", text, re.MULTILINE)
    for student in ("ada", "zoë müller"):
        (tmp_path / "GRADEBOOK" / student).mkdir(parents=True)
        (tmp_path / "GRADEBOOK" / student / "student.html").write_text(student, encoding="utf-8")
    subprocess.run(["sh", "-c", loop], cwd=tmp_path, check=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "back").iterdir()} == {
        "ada.html": "ada",
        "zoë müller.html": "zoë müller",
    }
