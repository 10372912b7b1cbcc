"""The file of a batch's results: whole lines only, added one by one, found again after a crash."""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self, cast

from mcp_router.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
# A pipe that nobody reads would be waited for.
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_MODE = 0o600


class Standing(NamedTuple):
    """What a file held: the result of each row by id, and what was taken out of it.

    `torn` counts lines that were no results; `retried` those of rows that had failed or changed.
    """

    done: Mapping[str, Mapping[str, object]]
    batch: str = ""
    torn: int = 0
    retried: int = 0


class ResultFile:
    """A JSON Lines file that one process adds to; a context manager that closes it.

    Raises:
        InvalidRequestError: it cannot be written, another process is writing it, or it is there
            and nobody said to go on with it.
    """

    def __init__(self, path: Path, *, hashes: Mapping[str, str], resume: bool) -> None:
        self._path = path
        try:
            if not resume and path.exists() and path.stat().st_size:
                hint = "Go on with --resume, or name another file with --output."
                raise self._refused("it is there already", hint)
            self._fd = os.open(path, _FLAGS | _NONBLOCK, _MODE)
        except (OSError, ValueError) as error:
            raise self._failed(error) from error
        try:
            self.standing = self._take_over(hashes)
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            os.close(self._fd)

    def add(self, result: Mapping[str, object]) -> None:
        """Add one line in one step.

        Raises:
            InvalidRequestError: it could not be written; the file ends with a whole line.
        """
        line = (json.dumps(result) + "\n").encode()
        size = os.fstat(self._fd).st_size
        try:
            _write(self._fd, line)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, size)
            raise self._failed(error) from error

    def _take_over(self, hashes: Mapping[str, str]) -> Standing:
        try:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise self._refused("it is no regular file", "Name a file to keep results in.")
            self._lock(self._fd)
            # Whoever held the lock may have put another file in this one's place.
            if not os.path.samestat(os.fstat(self._fd), self._path.stat()):
                raise self._busy()
            lines, standing = _sorted(_lines(self._fd), hashes=hashes)
            if standing.torn or standing.retried or not _ends_whole(self._fd):
                self._replace_by(lines)
        except OSError as error:
            raise self._failed(error) from error
        return standing

    def _replace_by(self, lines: list[bytes]) -> None:
        """Let the lines take the place of the file, in one step for whoever reads it."""
        beside = self._path.resolve()
        beside = beside.with_name(f".{beside.name}.{secrets.token_hex(4)}")
        fresh = os.open(beside, _FLAGS | os.O_EXCL, os.fstat(self._fd).st_mode & 0o777)
        try:
            self._lock(fresh)
            for line in lines:
                _write(fresh, line + b"\n")
            os.fsync(fresh)
            self._swap(beside, fresh)
        except BaseException:
            os.close(fresh)
            with suppress(OSError):
                beside.unlink()
            raise

    def _swap(self, beside: Path, fresh: int) -> None:
        if sys.platform == "win32":
            # Windows moves no file that is open.
            os.close(fresh)
            os.close(self._fd)
            beside.replace(self._path.resolve())
            self._fd = os.open(self._path, _FLAGS, _MODE)
            return
        beside.replace(self._path.resolve())
        os.close(self._fd)
        self._fd = fresh

    def _lock(self, fd: int) -> None:
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._busy() from error

    def _busy(self) -> InvalidRequestError:
        return self._refused("another process is writing it", "Wait for it.")

    def _failed(self, error: Exception) -> InvalidRequestError:
        reason = getattr(error, "strerror", None) or "not a usable path"
        return self._refused(f"it cannot be written ({reason})", "")

    def _refused(self, problem: str, hint: str) -> InvalidRequestError:
        return InvalidRequestError(field=str(self._path), problem=problem, hint=hint)


def _write(fd: int, line: bytes) -> None:
    while line:
        line = line[os.write(fd, line) :]


def _lines(fd: int) -> Iterator[bytes]:
    with os.fdopen(os.dup(fd), "rb") as stream:
        stream.seek(0)
        for line in stream:
            yield line.rstrip(b"\r\n")


def _ends_whole(fd: int) -> bool:
    size = os.fstat(fd).st_size
    if not size:
        return True
    os.lseek(fd, -1, os.SEEK_END)
    return os.read(fd, 1) == b"\n"


def _sorted(lines: Iterator[bytes], *, hashes: Mapping[str, str]) -> tuple[list[bytes], Standing]:
    """Keep what went well for rows that still ask the same, or that are gone; each once."""
    kept: list[bytes] = []
    done: dict[str, Mapping[str, object]] = {}
    batch, torn, retried = "", 0, 0
    for line in lines:
        result = _result(line)
        if result is None:
            torn += bool(line.strip())
            continue
        name = str(result["id"])
        batch = batch or str(result.get("batch", ""))
        stale = hashes.get(name, result["hash"]) != result["hash"]
        if result["ok"] is not True or stale or name in done:
            retried += 1
            continue
        kept.append(line)
        done[name] = result
    return kept, Standing(done, batch, torn, retried)


def _result(line: bytes) -> Mapping[str, object] | None:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not {"id", "hash", "ok"} <= found.keys():
        return None
    return cast("Mapping[str, object]", found)
