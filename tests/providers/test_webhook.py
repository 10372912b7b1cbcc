"""Messages to an address of the user's own, and what is told when they do not arrive."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from mcp_router.providers.address import address_of
from mcp_router.providers.webhook import post_json
from mcp_router.version import __version__
from tests.providers.scene import head, serving, whole

SECRET = "T0K3N"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def posted(script: list[Any], *, seconds: float = 5.0) -> str:
    async with serving(script) as server:
        url = f"http://127.0.0.1:{server.port}/{SECRET}?key={SECRET}"
        return await post_json(url, content=b'{"a": 1}', seconds=seconds)


async def test_the_message_arrives_as_json_under_our_name() -> None:
    async with serving([whole({})]) as server:
        url = f"http://127.0.0.1:{server.port}/hook?a=1"
        assert await post_json(url, content=b'{"spent": "4.20"}', seconds=5) == ""

    line, headers, body = server.seen[0]
    assert line == "POST /hook?a=1 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == f"mcp-model-router/{__version__}"
    assert body == {"spent": "4.20"}
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_success_is_a_success(status: int) -> None:
    assert await posted([head(status, content_length=0)]) == ""


@pytest.mark.parametrize("status", [300, 302, 307, 400, 404, 429, 500, 503])
async def test_any_other_status_is_told(status: int) -> None:
    answer = head(status, content_length=0, location="http://127.0.0.1:9/")

    assert await posted([answer]) == f"answered with HTTP status {status}"


async def test_a_redirect_is_not_followed() -> None:
    async with serving([whole({})]) as other:
        there = f"http://127.0.0.1:{other.port}/"
        assert await posted([head(302, content_length=0, location=there)])

    assert other.seen == []


async def test_silence_is_waited_for_no_longer_than_asked() -> None:
    assert await posted(["hang"], seconds=0.1) == "did not answer within 0.1 s"


async def test_the_body_of_the_answer_is_not_waited_for() -> None:
    assert await posted([head(content_length=100), "hang"]) == ""


async def test_a_cut_connection_is_told_by_the_kind_of_error() -> None:
    assert await posted(["close"]) == "cannot be reached (RemoteProtocolError)"


async def test_a_closed_port_is_told_without_the_address() -> None:
    async with serving([]) as server:
        url = f"http://127.0.0.1:{server.port}/{SECRET}"

    assert await post_json(url, content=b"{}", seconds=5) == "cannot be reached (ConnectError)"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("hooks.example.org/T0K3N", "UnsupportedProtocol"),
        ("ftp://x/T0K3N", "UnsupportedProtocol"),
        ("https://", "UnsupportedProtocol"),
        ("http://[::1/T0K3N", "InvalidURL"),
        ("http://x\x00/T0K3N", "InvalidURL"),
        ("http://127.0.0.1:65536/T0K3N", "InvalidURL"),
        ("http://127.0.0.1:1/\ud800T0K3N", "InvalidURL"),
    ],
)
async def test_an_address_that_is_none_is_told_and_not_repeated(url: str, kind: str) -> None:
    told = await post_json(url, content=b"{}", seconds=2)

    assert told == f"cannot be reached ({kind})"
    assert SECRET not in told


@pytest.mark.parametrize("port", [1, 80, 65_535])
def test_every_port_there_is_can_be_named(port: int) -> None:
    assert address_of(f"http://127.0.0.1:{port}/x").host == "127.0.0.1"


@pytest.mark.parametrize("port", [65_536, 99_999])
def test_a_port_there_is_not_is_refused(port: int) -> None:
    with pytest.raises(httpx2.InvalidURL, match="port"):
        address_of(f"http://127.0.0.1:{port}/x")
