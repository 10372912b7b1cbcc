"""A change to a file as a unified diff."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.hosts.change import Change


def diff_of(change: Change) -> tuple[str, ...]:
    """Return the lines of the diff without line ends; none where nothing changes."""
    before, after = _lines(change.before.file), _lines(change.after.file)
    old = str(change.path) if change.before.file is not None else "/dev/null"
    new = str(change.path) if change.after.file is not None else "/dev/null"
    return tuple(difflib.unified_diff(before, after, fromfile=old, tofile=new, lineterm=""))


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "replace").splitlines()
