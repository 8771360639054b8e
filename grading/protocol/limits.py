"""How much of the machine one session of a worker may use."""

import signal
import sys
from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of a session: of one training, or of the probes that one process answers.

    Attributes:
        seconds: wall time of one probe, or of a whole training.
        cpu_seconds: processor time of each process of the session.
        data_bytes: private memory of each process.
        resident_bytes: memory of all processes of the worker together, files in memory included.
        processes: processes and threads of the worker.
        file_bytes: size of one file; only memory can be written to, and little of that.
        open_files: descriptors of each process.
        reply_bytes: arrays in one answer.
    """

    seconds: float = 30.0
    cpu_seconds: int = 1200
    data_bytes: int = 3072 * MIB
    resident_bytes: int = 4096 * MIB
    processes: int = 64
    file_bytes: int = 100 * MIB
    open_files: int = 512
    reply_bytes: int = 256 * MIB

    def apply(self) -> None:
        """Bind this process and all that it will start."""
        import resource  # not on Windows, where there is no sandbox either

        for kind, value in (
            (resource.RLIMIT_CPU, self.cpu_seconds),
            (resource.RLIMIT_DATA, self.data_bytes),
            (resource.RLIMIT_NPROC, self.processes),
            (resource.RLIMIT_FSIZE, self.file_bytes),
            (resource.RLIMIT_NOFILE, self.open_files),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(kind, (value, value))
        if sys.platform == "linux":
            # A POSIX queue outlives its processes, and where their file system is not mounted nobody finds it.
            resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))
        # A file that grows too large raises OSError where it is written, in place of a silent end.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
