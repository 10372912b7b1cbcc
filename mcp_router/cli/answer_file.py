"""A file that gets an answer whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Self

from mcp_router.cli.text import mended

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class AnswerFile:
    """A context to enter before a model is asked, so that no answer is paid for and then lost.

    What stood in the file stays there until `write` has the whole answer. Links are followed; a
    device or pipe is written to, not replaced.

    Raises:
        InvalidRequestError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._given = path
        try:
            self._path = path.resolve()
            self._replaced = self._path.is_file() or not self._path.exists()
            self._written = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
            self._stream: BinaryIO = (
                self._written.open("xb") if self._replaced else self._path.open("wb")
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._stream.close()
        if self._replaced:
            with suppress(OSError):
                self._written.unlink(missing_ok=True)

    def write(self, text: str) -> None:
        """Write the answer in one step; readers see the old content or the new, never a part.

        Raises:
            InvalidRequestError: it could not be written.
        """
        try:
            self._stream.write(text.encode("utf-8", "backslashreplace"))
            self._stream.flush()
            if not self._replaced:
                return
            os.fsync(self._stream.fileno())
            # Windows cannot move a file that is open.
            self._stream.close()
            with suppress(FileNotFoundError):
                self._written.chmod(self._path.stat().st_mode & 0o7777)
            self._written.replace(self._path)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        from mcp_router.errors import InvalidRequestError

        reason = getattr(error, "strerror", None) or "not a usable path"
        problem = f"{mended(str(self._given))} cannot be written ({reason})"
        return InvalidRequestError(field="--output", problem=problem)
