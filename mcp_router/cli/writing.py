"""Files that commands write: whole or not at all, and readable by their owner only."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Generator


class FileRefusedError(RouterError):
    """A file cannot be written where it was asked for."""

    def __init__(self, path: Path, *, problem: str, hint: str = "") -> None:
        super().__init__(f"{path} cannot be written: {problem}.", hint=hint)


@contextmanager
def replacing(path: Path, *, force: bool) -> Generator[Path]:
    """Lend a new file, and put it in the place of `path` if the block ends well.

    Links are followed; a device or pipe is written to, not replaced.

    Raises:
        FileRefusedError: `path` is there already (without `force`), or cannot be written.
    """
    partial, target = _lent(path, force=force)
    try:
        yield partial
        if target is None:
            _pour(partial, path)
        else:
            partial.replace(target)
    except OSError as error:
        raise FileRefusedError(path, problem=_reason(error)) from error
    finally:
        partial.unlink(missing_ok=True)


def _lent(path: Path, *, force: bool) -> tuple[Path, Path | None]:
    """Make a new file; what it will replace is None where `path` is to be written to."""
    try:
        if path.is_dir():
            raise FileRefusedError(path, problem="is a directory")
        through = path.exists() and not path.is_file()
        if not (force or through) and (path.exists() or path.is_symlink()):
            raise FileRefusedError(path, problem="it exists", hint="Add --force to replace it.")
        target = None if through else path.resolve()
        folder = None if target is None else target.parent
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=folder)
        os.close(handle)
    except RuntimeError as error:
        raise FileRefusedError(path, problem="its links lead nowhere") from error
    except OSError as error:
        raise FileRefusedError(path, problem=_reason(error)) from error
    return Path(name), target


def _pour(file: Path, into: Path) -> None:
    with file.open("rb") as source, into.open("wb") as device:
        shutil.copyfileobj(source, device)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
