"""Where the backbones' weights come from: a folder, torchvision, or proxy pretraining for the mini ones."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.data.arrays import DataError, fingerprint

ENCODER = "encoder"  # part 2's VGG16
ROOT = Path(__file__).resolve().parents[2]

# Whatever decides what the proxy pretraining learns.
_SOURCES = (
    "backbones/encoders.py",
    "backbones/mini.py",
    "backbones/proxy.py",
    "backbones/proxy_streets.py",
    "data/drawn_faces.py",
    "data/drawn_streets.py",
    "data/face_painting.py",
)


def provide(
    names: Sequence[str],
    profile: str,
    folder: Path | None,
    cache: Path,
    say: Callable[[str], None],
    pretraining_seed: int = 0,
) -> dict[str, str]:
    """A file of pretrained weights for each backbone.

    Args:
        names: torchvision classifiers, or ENCODER.
        profile: `"mini"`: pretrained here, once, then cached. `"report"`: from `folder`, else from the cache, else
            downloaded into it.
        say: called with one line when something takes long.
        pretraining_seed: another seed, other mini weights.

    Raises:
        DataError: weights are missing and cannot be had.
    """
    if profile == "mini":
        return _pretrained(names, cache, say, pretraining_seed)
    return {name: str(_found(name, folder, cache / "weights")) for name in names}


def read_weights(name: str, file: Path) -> dict[str, NDArray[np.generic]]:
    """A state dict from `.safetensors` or torch's own format as plain arrays, floating point as float32.

    Args:
        name: whose it is; for ENCODER all but the convolutions is left out.

    Raises:
        Exception: the file is damaged, or holds more than tensors: it is not unpickled.
    """
    # Imported late: torch takes seconds, and a run's other steps do without it.
    import torch
    from safetensors.torch import load_file

    if file.suffix == ".safetensors":
        state = load_file(file)
    else:
        state = torch.load(file, map_location="cpu", weights_only=True)
    return {
        key: (tensor.float() if tensor.is_floating_point() else tensor).numpy()
        for key, tensor in state.items()
        if name != ENCODER or key.startswith("features.")
    }


def _pretrained(names: Sequence[str], cache: Path, say: Callable[[str], None], seed: int) -> dict[str, str]:
    sources = {name: ROOT / "grading" / name for name in _SOURCES}
    key = fingerprint(sources, torch=version("torch"), torchvision=version("torchvision"), seed=seed)[:16]
    files = {name: cache / f"mini-{name}-{key}.safetensors" for name in names}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        say(f"pretraining {', '.join(missing)} on drawn pictures, once")
        cache.mkdir(parents=True, exist_ok=True)
        # Each on one core, in a process of its own.
        with ThreadPoolExecutor(cpu_count() or 1) as pool:
            list(pool.map(lambda name: _pretrain(name, files[name], seed), missing))
    return {name: str(file) for name, file in files.items()}


def _pretrain(name: str, file: Path, seed: int) -> None:
    command = [sys.executable, "-m", "grading.backbones.pretrain", name, str(file), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise DataError(f"pretraining {name} failed: {last[0]}")


def _found(name: str, folder: Path | None, cache: Path) -> Path:
    if folder is not None:
        if not folder.is_dir():
            raise DataError(f"--weights {folder}: no such folder")
        if file := _in_folder(name, folder):
            return file
        raise DataError(
            f"--weights {folder}: no weights for {_torchvision_name(name)} (a state dict, .pth or .safetensors); "
            f"`{_fetch_command(name, folder)}` brings them, on a machine with internet"
        )
    if file := _in_folder(name, cache):
        return file
    from grading.fetch import fetch_weights

    try:
        fetch_weights([_torchvision_name(name)], cache)
    except (DataError, OSError) as error:
        raise DataError(
            f"no weights for {_torchvision_name(name)} ({error}); on a machine with internet run "
            f"`{_fetch_command(name, Path('DIR'))}`, bring DIR here and pass --weights DIR"
        ) from None
    file = _in_folder(name, cache)
    assert file is not None
    return file


def _in_folder(name: str, folder: Path) -> Path | None:
    """torchvision's own file name, or a plain one; for the encoder also a file of VGG16's features alone."""
    stem = _torchvision_name(name)
    patterns = [f"{stem}-*", f"{stem}.*"] + ([f"{stem}_*features.*"] if name == ENCODER else [])
    files = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
    return next((file for file in files if file.suffix in (".pth", ".pt", ".safetensors")), None)


def _torchvision_name(name: str) -> str:
    return "vgg16" if name == ENCODER else name


def _fetch_command(name: str, folder: Path) -> str:
    return f"python -m grading.fetch weights --classifier {_torchvision_name(name)} --weights {folder}"
