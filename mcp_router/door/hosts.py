"""Whose names the server answers to: a page that rebinds its name to this machine gets nothing."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.config.http import HttpSettings

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Names:
    """Judges the Host and Origin of requests."""

    def __init__(self, settings: HttpSettings) -> None:
        self._hosts = frozenset({settings.host, *settings.allowed_hosts} | _LOCAL)
        self._origins = frozenset(settings.allowed_origins)
        self._local = is_local(settings.host)

    def takes_host(self, header: str) -> bool:
        """Say whether a Host header names this server.

        Where it listens beyond this machine any bare address will do: to rebind takes a name.
        """
        host = _without_port(header)
        if host is None:
            return False
        return host in self._hosts or (not self._local and _is_address(host))

    def takes_origin(self, header: str) -> bool:
        """Say whether a page of this origin may call; pages of this machine may call its server."""
        if header.lower() in self._origins:
            return True
        scheme, mark, rest = header.partition("://")
        host = _without_port(rest)
        return bool(mark) and scheme == "http" and self._local and host in _LOCAL


def is_local(host: str) -> bool:
    """Say whether a server that listens at this host hears this machine only."""
    return host in _LOCAL or host.startswith("127.")


def _without_port(header: str) -> str | None:
    text = header.lower()
    if text.startswith("["):
        host, mark, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
        if not mark or (rest and not rest.startswith(":")):
            return None
    else:
        host, _, port = text.partition(":")
    return None if (port and not port.isdecimal()) or not host else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
