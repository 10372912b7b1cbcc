"""Addresses out of the settings, checked before the client meets them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

# The client lets larger ones through, down to a system call that overflows.
_LAST_PORT = 65_535


@lru_cache(maxsize=64)
def address_of(text: str) -> httpx2.URL:
    """Read the address of a server.

    Raises:
        httpx2.InvalidURL: nothing can be sent there.
    """
    import httpx2

    try:
        url = httpx2.URL(text)
    except UnicodeEncodeError as error:
        raise httpx2.InvalidURL("it holds half a character") from error
    if (url.port or 0) > _LAST_PORT:
        raise httpx2.InvalidURL("there is no such port")
    return url
