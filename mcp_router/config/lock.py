"""Keeps other processes out of a folder while one of its files is read, changed and written."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

LOCK_SECONDS = 10.0
_PAUSE_SECONDS = 0.02


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the lock of a folder; leaves no lock file behind, and ends with its process.

    Raises:
        TimeoutError: another process kept it for ten seconds.
        OSError: there is no such folder.
    """
    if sys.platform == "win32":
        # A folder cannot be locked there; that a file is replaced in one step has to do.
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError("another program keeps it locked") from error
                time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(handle)
