"""One change to a host's file: worked out first, then made in one step with a backup kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mcp_router.errors import HostError
from mcp_router.hosts.file import locked, prepare, read, remove, replace, resolved

BACKUP_SUFFIX = ".mcp-router.bak"
_TRIES = 5


class Content(NamedTuple):
    """What a file and its backup hold; None where there is none."""

    file: bytes | None
    backup: bytes | None = None


class Change(NamedTuple):
    """What the file at `path`, with links followed, and its backup hold before and after."""

    path: Path
    before: Content
    after: Content

    @property
    def changed(self) -> bool:
        """Whether the file itself differs."""
        return self.before.file != self.after.file


Plan = Callable[[Content], Content]
"""Says what a file and its backup should hold, from what they hold."""


def backup_of(path: Path) -> Path:
    """Name the backup of a file."""
    return path.with_name(path.name + BACKUP_SUFFIX)


def planned(path: Path, *, plan: Plan) -> Change:
    """Work out a change without making it.

    Raises:
        HostError: the file cannot be read, or not be changed safely.
    """
    path = resolved(path)
    before = Content(read(path), read(backup_of(path)))
    return Change(path, before, plan(before))


def made(path: Path, *, plan: Plan, private: bool) -> Change:
    """Make a change in one step, never over what another program wrote meanwhile.

    A new file is readable by its owner alone if `private`.

    Raises:
        HostError: the file cannot be read or written, or not be changed safely.
    """
    change = planned(path, plan=plan)
    if change.before == change.after:
        return change
    prepare(change.path)
    with locked(change.path.parent):
        for _ in range(_TRIES):
            change = planned(path, plan=plan)
            if read(change.path) == change.before.file:
                _write(change, private=private)
                return change
    raise HostError(place=str(change.path), problem="another program keeps changing it")


def _write(change: Change, *, private: bool) -> None:
    backup = backup_of(change.path)
    if change.after.backup is not None and change.after.backup != change.before.backup:
        # It may hold secrets of other servers, so it is no more readable than the file.
        replace(backup, content=change.after.backup, mode_of=change.path, private=True)
    if change.after.file is None:
        remove(change.path)
    elif change.changed:
        replace(change.path, content=change.after.file, mode_of=change.path, private=private)
    if change.after.backup is None:
        remove(backup)
