"""The limits of a session of a worker: how much of the machine it may use."""

import signal
import sys
from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """The limits of a session, which is one training, or the probes that one process answers.

    Attributes:
        seconds: wall time of one probe, or of a whole training.
        cpu_seconds: processor time of each process of the session.
        data_bytes: private memory of each process.
        resident_bytes: memory of all processes of the worker together, files in memory included.
        processes: processes and threads of the worker.
        file_bytes: size of one file. Only files in memory can be written, and the sandbox bounds these too.
        open_files: descriptors of each process.
        reply_bytes: size of all arrays in one answer.
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
        """Set the limits of this process and of all that it will start."""
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
            # A POSIX message queue outlives its processes, and nobody finds it if its file system is not mounted.
            resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))
        # To write a file that grows too large then raises OSError, and does not end the process silently.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
