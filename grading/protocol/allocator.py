"""How a process that trains keeps its memory."""

from grading.protocol.limits import MIB

# glibc returns large blocks to the system when they are freed, and each step of a training asks for the same again: to
# map and clear them anew takes a tenth of a training on a CPU. With these variables a process keeps what it has had.
# See mallopt(3); other allocators ignore them. 32 MiB is the largest threshold that glibc takes.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * MIB),
    "MALLOC_TRIM_THRESHOLD_": str(4096 * MIB),
    "MALLOC_TOP_PAD_": str(64 * MIB),
}
