"""A file that belongs to another program: read whole, replaced in one step, or left alone."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from mcp_router.config import lock
from mcp_router.config.content import content_of
from mcp_router.config.replace import is_read_only, replace_file
from mcp_router.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

MAX_BYTES = 64_000_000


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
        content = content_of(path, most=MAX_BYTES + 1)
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
        replace_file(path, content=content, mode_of=mode_of, private=private)
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
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.locked(folder))
        except TimeoutError as error:
            problem = "another program keeps it locked"
            raise HostError(place=str(folder), problem=problem) from error
        yield


def _refuse_read_only(path: Path) -> None:
    try:
        read_only = is_read_only(path)
    except OSError as error:
        raise _failed(path, error, what="read") from error
    if read_only:
        raise HostError(place=str(path), problem="it is read-only", hint="Make it writable first.")


def _failed(path: Path, error: OSError, *, what: str) -> HostError:
    reason = error.strerror or type(error).__name__
    return HostError(place=str(path), problem=f"it cannot be {what} ({reason})")
