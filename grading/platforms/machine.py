"""What a container lets its processes use, which is less than the machine has.

`python -m grading.platforms.machine` prints how many trainings it has room for at a time.
"""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
# Measured for part 2, which needs the most: see docs/platforms.md.
GRADER_BYTES, TRAINING_BYTES = 0.6 * 2**30, 1.1 * 2**30


def workers(cores: int, folder: Path = CGROUP) -> int:
    """How many trainings a container has processor time and memory for at a time; at least one.

    Args:
        cores: of the machine.
        folder: where the kernel tells the limits of this container, in the layout of either version of cgroups.
    """
    most = float(cores)
    quota, period = _cpu_limit(folder)
    if quota > 0 and period > 0:
        most = min(most, quota / period)
    memory = _number(folder / "memory.max") or _number(folder / "memory" / "memory.limit_in_bytes")
    if memory > 0:
        most = min(most, (memory - GRADER_BYTES) / TRAINING_BYTES)
    return max(1, int(most))


def _cpu_limit(folder: Path) -> tuple[float, float]:
    """Microseconds of processor time in each period, and the period; (0, 0) if there is no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return (0.0, 0.0) if quota == "max" else (float(quota), float(period))
    except (OSError, ValueError):
        cpu = folder / "cpu"
        return _number(cpu / "cpu.cfs_quota_us"), _number(cpu / "cpu.cfs_period_us")


def _number(file: Path) -> float:
    """The number in a file; 0 if there is none."""
    try:
        return float(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


if __name__ == "__main__":
    print(workers(os.cpu_count() or 1))
