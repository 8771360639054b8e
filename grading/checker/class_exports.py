"""What a class has handed in, laid out as a platform exports it."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from grading.checker.packing import packed
from grading.intake.listing import archive_ending

FIRST_USER = 4711


def as_folders(hand_ins: Mapping[str, Path], out: Path) -> None:
    """A folder or an archive for each student."""
    for name, path in hand_ins.items():
        shutil.move(path, out / f"{name}{'' if path.is_dir() else archive_ending(path.name)}")


def as_gradescope(hand_ins: Mapping[str, Path], out: Path) -> None:
    """A folder for each submission, and `submission_metadata.yml`."""
    metadata = {}
    for number, (name, path) in enumerate(hand_ins.items()):
        folder = out / f"submission_{number}"
        if path.is_dir():
            shutil.move(path, folder)
        else:
            folder.mkdir()
            shutil.move(path, folder / f"homework{archive_ending(path.name)}")
        person = {":name": f"Student {name}", ":sid": f"{number:05}", ":email": f"{name}@example.edu"}
        metadata[folder.name] = {":submitters": [person], ":created_at": "2026-01-01", ":score": 0.0}
    (out / "submission_metadata.yml").write_text(yaml.safe_dump(metadata), encoding="utf-8")


def as_canvas(hand_ins: Mapping[str, Path], out: Path) -> None:
    """Files in one folder: archives, and the loose files of those who handed in no archive. Each third one is late."""
    for number, (name, path) in enumerate(hand_ins.items()):
        if path.is_dir() and (any(entry.is_dir() for entry in path.iterdir()) or not any(path.iterdir())):
            path = packed(path, "zip")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file_number, file in enumerate(files):
            user = f"{'_LATE' if number % 3 == 0 else ''}_{FIRST_USER + number}_{90000 + 100 * number + file_number}"
            original = file.name if path.is_dir() else f"homework{archive_ending(file.name)}"
            shutil.move(file, out / f"{name}{user}_{original}")


EXPORTS: dict[str, Callable[[Mapping[str, Path], Path], None]] = {
    "folders": as_folders,
    "gradescope": as_gradescope,
    "canvas": as_canvas,
}
"""By name; each moves the hand-ins, by the students' names, into an existing, empty folder."""
