"""Fetches a small JSON document from an address that the settings name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio

from mcp_router.providers.address import address_of
from mcp_router.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 1_048_576


class FetchError(Exception):
    """Nothing usable came; says why, and never from where, as addresses may be secrets."""


async def fetch_json(
    url: str,
    *,
    seconds: float,
    form: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> object:
    """Get a document, or post a form for it, as `login` says with a name and a secret.

    Redirects are not followed.

    Raises:
        FetchError: no answer in time, not status 200, too long, or no JSON.
    """
    import httpx2

    headers = {"accept": "application/json", "user-agent": f"mcp-model-router/{__version__}"}
    try:
        with anyio.fail_after(seconds):
            async with (
                httpx2.AsyncClient(timeout=None, follow_redirects=False, auth=login) as client,
                client.stream(
                    "GET" if form is None else "POST",
                    address_of(url),
                    data=None if form is None else dict(form),
                    headers=headers,
                ) as response,
            ):
                status, body = response.status_code, bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise FetchError("the answer is too long")
    except TimeoutError as error:
        raise FetchError(f"no answer within {seconds:g} s") from error
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise FetchError(f"it cannot be reached ({type(error).__name__})") from error
    if status != 200:
        raise FetchError(f"HTTP status {status}")
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError) as error:
        raise FetchError("the answer is not JSON") from error
