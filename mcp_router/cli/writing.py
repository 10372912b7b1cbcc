"""Files that commands write: whole or not at all, and readable by their owner only."""

from __future__ import annotations

import os
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
    """Lend a new file beside `path`, and put it in its place if the block ends well.

    Links are followed.

    Raises:
        FileRefusedError: `path` is there already (without `force`), or cannot be written.
    """
    try:
        if not force and (path.exists() or path.is_symlink()):
            raise FileRefusedError(path, problem="it exists", hint="Add --force to replace it.")
        target = path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=target.parent)
        os.close(handle)
    except RuntimeError as error:
        raise FileRefusedError(path, problem="its links lead nowhere") from error
    except OSError as error:
        raise FileRefusedError(path, problem=_reason(error)) from error
    partial = Path(name)
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise FileRefusedError(path, problem=_reason(error)) from error
    finally:
        partial.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
