"""Reads what a file holds, and nothing that might never end."""

from __future__ import annotations

import errno
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def content_of(path: Path, *, most: int = -1) -> bytes:
    """Read a file, or at the most so many bytes of it.

    Raises:
        OSError: it cannot be read, or is a pipe or a device, which may keep a reader waiting.
        ValueError: the path is none.
    """
    mode = path.stat().st_mode
    # That a folder is one is said best by what opens it.
    if not (S_ISREG(mode) or S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "no regular file")
    with path.open("rb") as stream:
        return stream.read(most)
