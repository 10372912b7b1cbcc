"""Posts a message to an address of the user's own."""

from __future__ import annotations

import anyio

from mcp_router.providers.address import address_of
from mcp_router.version import __version__


async def post_json(url: str, *, content: bytes, seconds: float) -> str:
    """Post JSON and return what went wrong, or "". Redirects are not followed.

    What is returned never names the address, which is often a secret by itself.
    """
    import httpx2

    headers = {
        "content-type": "application/json",
        "user-agent": f"mcp-model-router/{__version__}",
    }
    try:
        address = address_of(url)
        with anyio.fail_after(seconds):
            async with (
                httpx2.AsyncClient(timeout=None, follow_redirects=False) as client,
                client.stream("POST", address, content=content, headers=headers) as response,
            ):
                status = response.status_code
    except TimeoutError:
        return f"did not answer within {seconds:g} s"
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        return f"cannot be reached ({type(error).__name__})"
    return "" if 200 <= status < 300 else f"answered with HTTP status {status}"
