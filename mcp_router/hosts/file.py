"""A file that belongs to another program: read whole, replaced in one step, or left alone."""

from __future__ import annotations

import os
import secrets
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mcp_router.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

MAX_BYTES = 64_000_000
LOCK_SECONDS = 10.0
_PAUSE_SECONDS = 0.02
_ANY_WRITE = 0o222


def resolved(path: Path) -> Path:
    """Follow symbolic links to the file that is meant, which need not exist.

    Raises:
        HostError: the links lead in a circle.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise HostError(place=str(path), problem="its links lead nowhere") from error


def read(path: Path) -> bytes | None:
    """Return the content of a file, or None where there is none.

    Raises:
        HostError: it cannot be read, or is too large to be a settings file.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(path, error, what="read") from error
    if len(content) > MAX_BYTES:
        raise HostError(place=str(path), problem="it is too large for a settings file")
    return content


def prepare(path: Path) -> None:
    """Make sure that the folder of a file is there and that the file may be written.

    Raises:
        HostError: the file is read-only, or the folder cannot be made.
    """
    _refuse_read_only(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(path.parent, error, what="made") from error


def replace(path: Path, *, content: bytes, mode_of: Path, private: bool) -> None:
    """Write a file in one step: readers see the old content or the new, never a part.

    It gets mode and owner of `mode_of` where that exists; else it is readable by its owner alone
    if `private`.

    Raises:
        HostError: the file is read-only, or its folder cannot be written.
    """
    _refuse_read_only(path)
    try:
        written = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with written.open("xb") as stream:
                # Before anything stands in it, as it may hold secrets.
                _dress(written, like=mode_of, private=private)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            written.replace(path)
        except OSError:
            written.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _failed(path, error, what="written") from error


def remove(path: Path) -> None:
    """Delete a file if it is there.

    Raises:
        HostError: it is read-only, or its folder cannot be written.
    """
    _refuse_read_only(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _failed(path, error, what="deleted") from error


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other runs of this program out of a folder; leaves no lock file behind.

    Raises:
        HostError: another one kept it for ten seconds.
    """
    if sys.platform == "win32":
        # A folder cannot be locked there; the check before writing has to do.
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
                    raise HostError(
                        place=str(folder), problem="another program keeps it locked"
                    ) from error
                time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(handle)


def _refuse_read_only(path: Path) -> None:
    # Replacing a file needs no right to write to it, but whoever took that right away meant it.
    with suppress(FileNotFoundError):
        if not path.stat().st_mode & _ANY_WRITE or not os.access(path, os.W_OK):
            raise HostError(
                place=str(path), problem="it is read-only", hint="Make it writable first."
            )


def _dress(written: Path, *, like: Path, private: bool) -> None:
    try:
        old = like.stat()
    except FileNotFoundError:
        if private:
            written.chmod(0o600)
        return
    written.chmod(old.st_mode & 0o7777)
    if sys.platform != "win32":
        # Only root may give a file away, and only root would otherwise take it.
        with suppress(PermissionError):
            os.chown(written, old.st_uid, old.st_gid)


def _failed(path: Path, error: OSError, *, what: str) -> HostError:
    reason = error.strerror or type(error).__name__
    return HostError(place=str(path), problem=f"it cannot be {what} ({reason})")
