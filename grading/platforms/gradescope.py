"""The autograder that is uploaded to Gradescope."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from grading.assignment.assignment import Configuration
from grading.backbones.challengers import COSTS
from grading.backbones.weights import ENCODER, mini_file
from grading.data.arrays import DataError
from grading.platforms.archive import zipped
from grading.platforms.checkout import needed_files
from grading.platforms.image import WEIGHTS
from grading.platforms.settings import FILE, Settings, pins

TEMPLATES = Path(__file__).with_name("templates")
SCRIPTS = ("setup.sh", "run_autograder")


def autograder(
    root: Path, settings: Settings, configurations: Sequence[Configuration], weights: Mapping[str, Path]
) -> bytes:
    """The zip file: the same bytes for the same checkout, settings and weights.

    Args:
        root: the project's folder.
        weights: files of pretrained networks, by name.
    """
    files = {path: (root / path).read_bytes() for path in needed_files(root)}
    files |= {name: (TEMPLATES / name).read_bytes().replace(b"\r\n", b"\n") for name in SCRIPTS}
    files |= {f"{WEIGHTS}/{name}.safetensors": file.read_bytes() for name, file in weights.items()}
    constraints = [f"{name}=={release}\n" for name, release in pins("mini", configurations).items()]
    files["constraints.txt"] = "".join(constraints).encode()
    files[FILE] = settings.text().encode()
    return zipped(files, frozenset(SCRIPTS))


def pretrained(folders: Sequence[Path], configurations: Sequence[Configuration]) -> dict[str, Path]:
    """The networks of the mini profile in some folders, such as this machine's cache, by name.

    Raises:
        DataError: a folder has none that the image could use.
    """
    for name, release in pins("mini", configurations).items():
        if name.startswith("torch") and folders and (ours := version(name).partition("+")[0]) != release:
            raise DataError(f"--weights: this machine has {name} {ours}, and the image gets {release}: leave it out")
    found: dict[str, Path] = {}
    for folder in folders:
        here = {name: file for name in (ENCODER, *COSTS) if (file := mini_file(name, folder)).is_file()}
        if not here:
            raise DataError(
                f"--weights {folder}: no network that `python -m grading pretrain` of this version has made"
            )
        found |= here
    return found
