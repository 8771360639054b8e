"""Hand-ins that cannot be graded."""

import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

from grading import ROOT

MIB = 2**20


def no_archive(base: Path) -> None:
    """A text that is called like an archive."""
    base.with_name(f"{base.name}.zip").write_text("I could not do it.\n")


def damaged(base: Path) -> None:
    """A zip of which the upload broke off."""
    _write_zip(base, {f"{name}.py": (ROOT / "solutions" / f"{name}.py").read_bytes() for name in ("fcn", "heads")})
    archive = base.with_name(f"{base.name}.zip")
    os.truncate(archive, archive.stat().st_size // 2)


def bomb(base: Path) -> None:
    """A small zip that unpacks to a large file."""
    _write_zip(base, {"classes.py": b"\0" * (48 * MIB)})


def leads_out(base: Path) -> None:
    """A zip with a file for another folder."""
    _write_zip(base, {"classes.py": b"", "../../classes.py": b"raise SystemExit\n"})


def no_module(base: Path) -> None:
    """A zip without any module."""
    _write_zip(base, {"README.txt": b"see my repository\n"})


def another_format(base: Path) -> None:
    """A RAR archive that is called a zip."""
    base.with_name(f"{base.name}.zip").write_bytes(b"Rar!\x1a\x07\x00" + random.Random(0).randbytes(1000))


def two_versions(base: Path) -> None:
    """Two folders, each with a version."""
    for version in ("final", "final really"):
        (base / version).mkdir(parents=True)
        (base / version / "classes.py").write_text("")


def empty(base: Path) -> None:
    """An empty folder."""
    base.mkdir()


UNREADABLE: tuple[Callable[[Path], None], ...] = (
    no_archive,
    bomb,
    no_module,
    damaged,
    leads_out,
    two_versions,
    another_format,
    empty,
)
"""Each writes a folder `base`, or an archive whose path is `base` and an ending."""


def _write_zip(base: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(base.with_name(f"{base.name}.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
