"""Adds our server to a host's file, and takes it out again without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mcp_router.errors import HostError
from mcp_router.hosts.change import Content, Plan
from mcp_router.hosts.entry import servers, with_entry, without_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.hosts.host import Host


def adding(host: Host, *, name: str, entry: Mapping[str, object], place: str) -> Plan:
    """Plan to add an entry to the servers of a host, or to bring it up to date.

    The backup is the file as it was before we came: an update leaves it alone.
    """

    def plan(content: Content) -> Content:
        after = with_entry(content.file, host=host, name=name, entry=entry, place=place)
        if content.file is None or after == content.file:
            return Content(after, content.backup)
        known = name in servers(content.file, host=host, place=place)
        return Content(after, content.backup if known else content.file)

    return plan


def removing(host: Host, *, name: str, place: str) -> Plan:
    """Plan to take our entry out of the servers of a host.

    Where nothing but our entry was added since the backup, the backup comes back, byte for byte,
    and a file that we began is deleted. Else only the entry goes.
    """

    def plan(content: Content) -> Content:
        if content.file is None:
            return content
        after = without_entry(content.file, host=host, name=name, place=place)
        if after == content.file:
            return content
        entry = servers(content.file, host=host, place=place)[name]
        for origin in dict.fromkeys((content.backup, None)):
            if after == _there_and_back(origin, host=host, name=name, entry=entry):
                return Content(origin, content.backup if origin is None else None)
        return Content(after, content.file)

    return plan


def _there_and_back(origin: bytes | None, *, host: Host, name: str, entry: object) -> bytes | None:
    """Return what our entry leaves of a file when it comes and goes; None if it was there before.

    An entry that was updated may be laid out in another way, so files are compared without it.
    """
    keys = cast("dict[str, object]", entry)
    try:
        if name in servers(origin, host=host, place=""):
            return None
        fresh = with_entry(origin, host=host, name=name, entry=keys, place="")
        return without_entry(fresh, host=host, name=name, place="")
    except HostError:
        return None
