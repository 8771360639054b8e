"""Where the backbones' weights come from: a folder, torchvision, or proxy pretraining for the mini ones."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from grading import PACKAGE, ROOT
from grading.backbones.challengers import MOST_SECONDS
from grading.data.arrays import DataError, fingerprint
from grading.protocol.allocator import KEEP_MEMORY
from grading.protocol.text import duration, one_line

ENCODER = "encoder"  # part 2's VGG16
SUFFIXES = (".pth", ".pt", ".safetensors", ".bin", ".ckpt", ".tar")
PROGRESS = "progress "  # begins a line of grading.backbones.pretrain: epochs done, epochs in all, seconds left
PRETRAIN = (sys.executable, "-m", "grading.backbones.pretrain")
SECONDS_BETWEEN = 15.0  # two lines of progress
# A pretraining gets three times what the most expensive one takes on the machine that was measured, and shares its core
# with others; its memory is that of a training.
CPU_SECONDS = 3 * MOST_SECONDS
WALL_SECONDS = 4 * CPU_SECONDS
DATA_BYTES = 3 * 2**30

# The exit status of a process whose processor time is over; Windows has no such limit.
OUT_OF_TIME = -signal.SIGXCPU if sys.platform != "win32" else None

# Whatever decides what the proxy pretraining learns.
SOURCES = (
    "backbones/encoders.py",
    "backbones/mini.py",
    "backbones/proxy.py",
    "backbones/proxy_streets.py",
    "data/drawn_faces.py",
    "data/drawn_streets.py",
    "data/face_painting.py",
)


class NoWeights(DataError):
    """Some backbones have no weights, and cannot get any.

    Attributes:
        files: of the backbones that have.
        reasons: by backbone, why it has none.
    """

    def __init__(self, files: dict[str, str], reasons: dict[str, str]) -> None:
        super().__init__(next(iter(reasons.values())))
        self.files = files
        self.reasons = reasons


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
        NoWeights: some are missing and cannot be had; the others are there.
    """
    if profile == "mini":
        return _pretrained(names, cache, say, pretraining_seed)
    files, reasons = dict[str, str](), dict[str, str]()
    for name in names:
        try:
            files[name] = str(_found(name, folder, cache / "weights"))
        except (DataError, OSError) as error:
            reasons[name] = str(error)
    if reasons:
        raise NoWeights(files, reasons)
    return files


def how_to_mend(name: str, profile: str) -> str:
    """What to do about a file of weights that is of no use."""
    if profile == "mini":
        return "delete it, and the next run makes it anew"
    return f"`{_fetch_command(name, 'DIR')}` brings torchvision's own into DIR"


def mini_file(name: str, cache: Path, seed: int = 0) -> Path:
    """Where the mini weights of a backbone are kept: another name for each code that makes other ones."""
    sources = {name: PACKAGE / name for name in SOURCES}
    key = fingerprint(sources, torch=version("torch"), torchvision=version("torchvision"), seed=seed)[:16]
    return cache / f"mini-{name}-{key}.safetensors"


_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
_running: set[subprocess.Popen[str]] = set()


def stop_pretraining() -> None:
    """Kill every pretraining that runs, in whichever thread it is waited for."""
    for process in list(_running):
        process.kill()


def _pretrained(names: Sequence[str], cache: Path, say: Callable[[str], None], seed: int) -> dict[str, str]:
    files = {name: mini_file(name, cache, seed) for name in names}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        there = [name for name in names if name not in missing]
        known = f"; {', '.join(there)} {'is' if len(there) == 1 else 'are'} there already" if there else ""
        say(f"pretraining {', '.join(missing)} on drawn pictures, once{known}")
        cache.mkdir(parents=True, exist_ok=True)
    running: list[subprocess.Popen[str]] = []

    def attempt(name: str) -> str | None:
        try:
            with _locks[files[name]]:  # of two submissions that need it, one pretrains it
                if not files[name].is_file():
                    _pretrain(name, files[name], seed, say, running)
        except (DataError, OSError) as error:
            return str(error)
        return None

    pool = ThreadPoolExecutor(cpu_count() or 1)  # each on one core, in a process of its own
    try:
        failures = dict(zip(missing, pool.map(attempt, missing), strict=True))
    finally:  # Ctrl-C, say
        pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.kill()
    if reasons := {name: reason for name, reason in failures.items() if reason is not None}:
        raise NoWeights({name: str(file) for name, file in files.items() if name not in reasons}, reasons)
    return {name: str(file) for name, file in files.items()}


def _pretrain(
    name: str, file: Path, seed: int, say: Callable[[str], None], running: list[subprocess.Popen[str]]
) -> None:
    """Run `grading.backbones.pretrain`, and pass its progress on: what it expects, then a line now and then."""
    command = [*PRETRAIN, name, str(file), str(seed)]
    start = time.monotonic()
    with (
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | KEEP_MEMORY,
            stdin=subprocess.PIPE,  # its end tells that the grader is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
        _limited(process),
    ):
        running.append(process)
        _running.add(process)
        try:
            assert process.stdout is not None
            last = _pass_on(process.stdout, name, say)
            process.wait()
        finally:
            _running.discard(process)
    seconds = time.monotonic() - start
    if process.returncode == OUT_OF_TIME or seconds >= WALL_SECONDS:
        raise DataError(f"pretraining {name} was stopped after {duration(seconds)}: it takes too long on this machine")
    if process.returncode < 0:
        raise DataError(f"pretraining {name} was killed by signal {-process.returncode}: not enough memory?")
    if process.returncode:
        raise DataError(f"pretraining {name} failed: {one_line(last)}")
    say(f"pretraining {name}: done in {duration(seconds)}")


def _pass_on(lines: Iterable[str], name: str, say: Callable[[str], None]) -> str:
    """Pass the progress of a pretraining on; the last of its other lines, which is the reason if it failed."""
    last, reported = "no reason given", time.monotonic()
    for line in lines:
        if not line.startswith(PROGRESS):
            last = line.strip() or last
            continue
        done, total, left = line.removeprefix(PROGRESS).split()
        if done == "0":
            say(f"pretraining {name}: about {duration(float(left))}")
        elif time.monotonic() - reported >= SECONDS_BETWEEN and done != total:
            reported = time.monotonic()
            say(f"pretraining {name}: epoch {done} of {total}, about {duration(float(left))} left")
    return last


@contextlib.contextmanager
def _limited(process: subprocess.Popen[str]) -> Iterator[None]:
    """Keep a process within its time and memory."""
    with contextlib.suppress(ImportError, ProcessLookupError):
        from resource import RLIMIT_CPU, RLIMIT_DATA, prlimit  # Linux only

        for kind, value in ((RLIMIT_CPU, int(CPU_SECONDS)), (RLIMIT_DATA, DATA_BYTES)):
            _, hard = prlimit(process.pid, kind)
            prlimit(process.pid, kind, (value if hard < 0 else min(value, hard), hard))
    timer = threading.Timer(WALL_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
    from grading.data.download import fetch_weights

    try:
        fetch_weights([_torchvision_name(name)], cache)
    except (DataError, OSError) as error:
        raise DataError(
            f"no weights for {_torchvision_name(name)} ({error}); on a machine with internet run "
            f"`{_fetch_command(name, 'DIR')}`, bring DIR here and pass --weights DIR"
        ) from None
    file = _in_folder(name, cache)
    assert file is not None
    return file


def _in_folder(name: str, folder: Path) -> Path | None:
    """torchvision's own file name, or a plain one; for the encoder also a file of VGG16's features alone."""
    stem = _torchvision_name(name)
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    ranks: list[Callable[[str], bool]] = [
        *(published.__eq__ for published in _torchvision_files(stem)),
        lambda file: file.startswith((f"{stem}-", f"{stem}.")),
    ]
    if name == ENCODER:
        ranks.append(lambda file: file.startswith(f"{stem}_") and "features" in file)
    return next((file for fits in ranks for file in files if fits(file.name)), None)


def _torchvision_files(classifier: str) -> list[str]:
    """What torchvision calls its ImageNet weights of a classifier; `efficientnet_b0_rwightman-7f5810bc.pth`, say."""
    from torchvision import models  # seconds to import

    members = models.get_model_weights(classifier).__members__
    return [member.url.rpartition("/")[2] for key, member in members.items() if key.startswith("IMAGENET1K_V")]


def _torchvision_name(name: str) -> str:
    return "vgg16" if name == ENCODER else name


def _fetch_command(name: str, folder: Path | str) -> str:
    return f"python -m grading fetch weights --classifier {_torchvision_name(name)} --weights {folder}"
