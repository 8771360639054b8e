"""How many trainings fit on one GPU beside each other.

What a training takes is a claim of its worker, and a wrong claim gains nothing. If it is too large, fewer trainings run
at a time. If it is too small, they lack memory; then each is trained once more alone.
"""

from grading.assignment.training_record import Run
from grading.protocol.limits import MIB

LEAST_PEAK = 256 * MIB  # what a claim below it counts as: libraries alone take about as much
RESERVE = 1.25  # other seeds, configurations and fragments of memory take more than what was measured
CORES_EACH = 2  # a training prepares batches on one core while another one drives the GPU


def fitting_trainings(peak: int, free: int, cores: int) -> int:
    """How many trainings run at a time, at least one.

    Args:
        peak: the most memory that one of them takes, in bytes.
        free: what the GPU has for all of them, in bytes.
        cores: of this machine.
    """
    return max(1, min(int(free / (RESERVE * max(peak, LEAST_PEAK))), cores // CORES_EACH))


def free_bytes() -> int:
    """The memory of the GPU that nobody uses now."""
    # Imported late: torch takes seconds, and a run on a CPU does not need it here.
    import torch

    return int(torch.cuda.mem_get_info()[0])


def lacked_memory(run: Run) -> bool:
    """Whether a training failed because there was not enough memory."""
    return run.kind == "OUT_OF_MEMORY" or "out of memory" in (run.failure or "").lower()
