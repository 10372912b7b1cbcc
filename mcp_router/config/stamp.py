"""Tells whether the settings files changed since they were read, without reading them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.config.environment import FILE_VARIABLE
from mcp_router.config.files import find_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class FileStamp(NamedTuple):
    """What changes when a file is written or replaced; times in nanoseconds."""

    path: Path
    inode: int
    size: int
    written_ns: int
    changed_ns: int


Stamp = tuple[FileStamp, ...]
"""One for each file that counts, weakest first; a new file that counts adds one."""


def settings_stamp(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Stamp:
    """Look at the files that `load_settings` would read; take it before they are read.

    Costs about a dozen look-ups of files. One that is not there has no stamp.
    """
    named = environ.get(FILE_VARIABLE, "").strip()
    if config is None and named:
        from pathlib import Path

        config = Path(named)
    found = find_files(config=config, environ=environ, cwd=cwd)
    stamps = [_stamp(file.path) for file in found.files]
    return tuple(stamp for stamp in stamps if stamp is not None)


def _stamp(path: Path) -> FileStamp | None:
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return FileStamp(path, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
