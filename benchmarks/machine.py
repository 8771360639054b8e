"""The machine that is measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


class NoGPU(Exception):
    """A benchmark for a GPU was asked for where there is none; one line."""


def machine(device: str) -> dict[str, str]:
    """What a table says of it, by name."""
    described = {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "torch": version("torch"),
    }
    if device == "cuda":
        import torch

        described["GPU"] = torch.cuda.get_device_name()
    return described


def check_device(device: str) -> None:
    """Check that a device is there, in a way that leaves a later fork free to use it.

    Raises:
        NoGPU: it is not.
    """
    if device != "cuda":
        return
    from benchmarks.forks import in_a_fork

    if not in_a_fork(_has_gpu):
        raise NoGPU("torch sees no GPU on this machine; --device cpu measures without one")


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _processor() -> str:
    """Its model, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
