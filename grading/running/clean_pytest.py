"""How the grader runs pytest: with options and an environment of its own.

A score must not depend on who runs the grader. So nothing that configures pytest, its plugins, hypothesis or Python is
inherited: no PYTEST_ADDOPTS, no pytest.ini of a folder above, no plugin that happens to be installed.
"""

import os
import sys
from collections.abc import Sequence

from grading import ROOT

# Plugins that the tests use. Those that are merely installed are not loaded: they may repeat, reorder or skip tests.
PLUGINS = ("_hypothesis_pytestplugin",)

OPTIONS = (
    *("-c", str(ROOT / "pyproject.toml")),
    f"--rootdir={ROOT}",
    f"--confcutdir={ROOT / 'tests'}",
    *(f"-p{plugin}" for plugin in PLUGINS),
)

# What says where things lie, and nothing about how tests run.
INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH"),
    *("HW4_CACHE", "XDG_CACHE_HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    # Without these, Windows finds neither its own libraries nor the user's folders.
    *("SYSTEMROOT", "WINDIR", "PATHEXT", "COMSPEC", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
)


def environment() -> dict[str, str]:
    """All that the environment of the grader's pytest holds."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # PYTHONUTF8: LANG means nothing to Windows.
    fixed = {"LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return inherited | fixed


def python_program(program: str) -> list[str]:
    """The command of a Python process that runs a program, to be started in ROOT.

    Packages that only PYTHONPATH leads to are found, but last: they cannot take the place of installed ones.
    """
    paths = f"import sys; sys.path += [folder for folder in {sys.path!r} if folder not in sys.path]; "
    return [sys.executable, "-c", paths + program]


def command(arguments: Sequence[str]) -> list[str]:
    """The command that runs pytest on the tests of the student API, to be started in ROOT."""
    return python_program(f"import pytest; sys.exit(pytest.main({[*OPTIONS, *arguments]!r}))")
