"""State that belongs to the whole process, such as PyTorch's default dtype.

A module of a submission may change it, when it is imported or when it is called. The change must reach no other
function of the submission and none of the grader's, so each question and each training begins in the same state.
"""

import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch

RandomStates = tuple[Any, Any, torch.Tensor]


def _set_default_device(device: torch.device) -> None:
    # A default device, even the CPU, makes every call of torch slower: it goes through a Python function.
    torch.set_default_device(None if device.type == "cpu" else device)


def _set_deterministic(mode: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(mode[0], warn_only=mode[1])


def _set_environment(variables: dict[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


def _set_warnings(filters: list[Any]) -> None:
    warnings.resetwarnings()  # it also forgets which warnings were shown, so the filters below count at once
    warnings.filters[:] = filters  # type: ignore[index]


def _working_directory() -> str:
    with suppress(OSError):  # the folder has been deleted
        return os.getcwd()
    return ""


def _set_working_directory(folder: str) -> None:
    with suppress(OSError):
        os.chdir(folder)


def _flag(owner: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """How an attribute is read and written."""
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value)


# How each setting is read, and how it is written.
SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    # In torch 2.4, torch.get_default_device fails after a default device was set and removed.
    "default device": (lambda: torch.empty(0).device, _set_default_device),
    "gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "deterministic algorithms": (
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        _set_deterministic,
    ),
    "anomaly detection": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "precision of float32 products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "autocast": (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    "autocast on a GPU": (lambda: torch.is_autocast_enabled("cuda"), lambda on: torch.set_autocast_enabled("cuda", on)),
    "cuDNN": _flag(torch.backends.cudnn, "enabled"),
    "cuDNN's choice by timing": _flag(torch.backends.cudnn, "benchmark"),
    "cuDNN's determinism": _flag(torch.backends.cudnn, "deterministic"),
    "NumPy's errors": (np.geterr, lambda errors: np.seterr(**errors)),
    "warnings": (lambda: list(warnings.filters), _set_warnings),
    "working directory": (_working_directory, _set_working_directory),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "environment": (lambda: dict(os.environ), _set_environment),
}


class ProcessState:
    """The settings of this process at one moment, and its random numbers.

    Args:
        variables: environment variables that are added to it.
    """

    def __init__(self, **variables: str) -> None:
        self._settings = {name: read() for name, (read, _) in SETTINGS.items()}
        self._settings["environment"] |= variables
        self._random = random_states()

    def restore_settings(self) -> None:
        """Restore every setting that has changed since, but not the random numbers."""
        for name, (read, write) in SETTINGS.items():
            if read() != self._settings[name]:
                write(self._settings[name])

    def restore(self) -> None:
        """Restore every setting and every generator of random numbers, which then repeats its numbers."""
        self.restore_settings()
        restore_random_states(self._random)


def random_states() -> RandomStates:
    """Where the global generators of the CPU are: Python's, NumPy's and PyTorch's."""
    return random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()


def restore_random_states(states: RandomStates) -> None:
    """Bring the generators back to where they were; they then repeat their numbers."""
    python, numpy, pytorch = states
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(pytorch)


@contextmanager
def inside(state: ProcessState) -> Iterator[None]:
    """Run the block in a state. Afterwards the process is in the state in which it was before."""
    before = ProcessState()
    try:
        # Inference mode is not among SETTINGS: if code has entered it and never left, only another block leaves it.
        with torch.inference_mode(False):
            state.restore()
            yield
    finally:
        before.restore()
