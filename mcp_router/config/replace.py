"""Replaces a file in one step: readers see the old content or the new, never a part of it."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ANY_WRITE = 0o222
_PRIVATE = 0o600


def is_read_only(path: Path) -> bool:
    """Say whether somebody took the right to write to a file that exists.

    Replacing it needs no such right, but whoever took it away meant it. Root may write to any
    file, so the mode counts as well.

    Raises:
        OSError: the file cannot be looked at.
    """
    try:
        return not path.stat().st_mode & _ANY_WRITE or not os.access(path, os.W_OK)
    except FileNotFoundError:
        return False


def replace_file(
    path: Path,
    *,
    content: bytes,
    mode_of: Path,
    private: bool = True,
    check: Callable[[Path], object] = lambda _: None,
) -> None:
    """Write a file beside the one at `path`, on the disk as well, and put it into its place.

    It gets mode and owner of `mode_of` where that exists; else it is readable by its owner alone
    if `private`. `check` looks at the new file first, and keeps the old one by raising.

    Raises:
        OSError: the folder cannot be written.
    """
    written = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        with written.open("xb") as stream:
            # Before anything stands in it, as it may hold secrets.
            _dress(written, like=mode_of, private=private)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        check(written)
        written.replace(path)
    finally:
        with suppress(OSError):
            written.unlink(missing_ok=True)


def _dress(written: Path, *, like: Path, private: bool) -> None:
    try:
        old = like.stat()
    except FileNotFoundError:
        if private:
            written.chmod(_PRIVATE)
        return
    written.chmod(old.st_mode & 0o7777)
    if sys.platform != "win32":
        # Only root may give a file away, and only root would otherwise take it.
        with suppress(PermissionError):
            os.chown(written, old.st_uid, old.st_gid)
