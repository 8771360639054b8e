"""The ways in which students pack a submission."""

import os
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

# What macOS puts into an archive beside the files.
MAC_FILES = {"__MACOSX/._classes.py": b"\0\5\26\7", ".DS_Store": b"\0\0\0\1Bud1"}


@dataclass(frozen=True)
class Shape:
    """How a submission is packed.

    Attributes:
        packing: `folder`, `zip`, `tar` or `tar.gz`.
        place: of the modules in it; empty for the top level.
        mac: whether it also holds what macOS leaves.
    """

    packing: str
    place: str
    mac: bool

    def __str__(self) -> str:
        return f"{self.packing}:{self.place or '.'}{' +mac' if self.mac else ''}"


SHAPES = tuple(
    Shape(*shape) for shape in product(("folder", "zip", "tar", "tar.gz"), ("", "hw4", "homework 4/hw4"), (False, True))
)


def pack(plain: Path, shape: Shape, base: Path) -> Path:
    """Pack a submission.

    Args:
        plain: the folder with its modules.
        base: the path of the folder that is made, or of the archive without its ending.

    Returns:
        The folder or archive.
    """
    shutil.copytree(plain, base / shape.place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in MAC_FILES.items() if shape.mac else ():
        (base / name).parent.mkdir(exist_ok=True)
        (base / name).write_bytes(content)
    return base if shape.packing == "folder" else packed(base, shape.packing)


def packed(folder: Path, packing: str) -> Path:
    """Replace a folder by an archive of what lies in it."""
    archive = folder.with_name(f"{folder.name}.{packing}")
    files = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    if packing == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in files:
                _add_to_zip(file, path, str(path.relative_to(folder)))
    else:
        with tarfile.open(archive, "w:gz" if packing == "tar.gz" else "w") as file_:
            for path in files:
                file_.add(path, path.relative_to(folder))
    shutil.rmtree(folder)
    return archive


def _add_to_zip(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """Add a file, or a link as a link: `ZipFile.write` would follow it."""
    if path.is_symlink():
        link = zipfile.ZipInfo(name)
        link.external_attr = path.lstat().st_mode << 16
        archive.writestr(link, os.readlink(path))
    else:
        archive.write(path, name)
