"""Work in a process of its own: a GPU, threads and memory of one measurement do not reach the next one."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def in_a_fork(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call a function in a fork of this process, which must not have computed with PyTorch: its threads do not follow.

    What goes in and comes out must be picklable. Unlike a process of a `Pool`, the fork may have children itself.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(work, *args, **kwargs).result()
