"""The report as a page of MCP Apps: announced by stats, read when a host asks, and whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.types import ReadResourceResult, TextResourceContents

from mcp_router.errors import ConfigError
from mcp_router.router import Router
from mcp_router.server.app import build_server
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.test_page import REFERENCES, Parsed, policy_of
from tests.server.process import CHECKOUT, Process, started
from tests.server.reading import body_of

URI = "ui://mcp-router/report"
MIME = "text/html;profile=mcp-app"


def html_of(result: ReadResourceResult) -> str:
    (contents,) = result.contents
    assert isinstance(contents, TextResourceContents)
    assert (str(contents.uri), contents.mime_type) == (URI, MIME)
    # No `csp` is what makes a host allow the page no address at all.
    assert contents.meta == {"ui": {"prefersBorder": True}}
    return contents.text


async def test_stats_alone_announces_the_page(client: Client) -> None:
    async with client:
        tools = (await client.list_tools()).tools
        resources = (await client.list_resources()).resources
    announced = {tool.name: tool.meta for tool in tools if "ui" in (tool.meta or {})}
    assert announced == {"stats": {"ui": {"resourceUri": URI}}}
    (listed,) = [one for one in resources if str(one.uri) == URI]
    assert listed.mime_type == MIME
    assert listed.description


def test_the_extension_is_declared(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.modern = True
        capabilities = process.initialize()["result"]["capabilities"]
    assert capabilities["extensions"] == {"io.modelcontextprotocol/ui": {}}


async def test_a_host_that_knows_no_pages_gets_the_answer_it_always_got(client: Client) -> None:
    async with client:
        body = body_of(await client.call_tool("stats", {}))
    assert body["rows"] == []


async def test_the_page_shows_what_was_recorded_and_fetches_nothing(client: Client) -> None:
    async with client:
        decision = body_of(await client.call_tool("route", {"prompt": "Fix the login bug"}))
        markup = html_of(await client.read_resource(URI))
        await client.call_tool("route", {"prompt": "Prove it"})
        later = html_of(await client.read_resource(URI))
    assert decision["decision_id"] in markup
    assert markup != later
    parsed = Parsed(markup)
    root = dict(parsed.elements)["html"]
    assert root["data-app"] == URI
    assert "data-state" not in root
    for _, attributes in parsed.elements:
        assert not REFERENCES & set(attributes)
    assert policy_of(parsed)["connect-src"] == "'none'"


async def test_hostile_prompts_and_labels_stay_text(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        for text in HOSTILE:
            await client.call_tool("route", {"prompt": text})
        parsed = Parsed(html_of(await client.read_resource(URI)))
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert not [name for _, found in parsed.elements for name in found if name.startswith("on")]
    assert "window.injected" not in "".join(parsed.code["script"])


async def test_settings_that_cannot_be_used_are_told() -> None:
    def opening() -> Router:
        raise ConfigError(place="x.toml", key="db", problem="no such place")

    async with Client(build_server(opening)) as client:
        with pytest.raises(MCPError, match=r"x\.toml: db: no such place"):
            await client.read_resource(URI)


def read(process: Process) -> dict[str, Any]:
    process.initialize()
    process.call("route", {"prompt": "Fix the login bug"})
    (contents,) = process.ask("resources/read", {"uri": URI})["result"]["contents"]
    return contents


@pytest.mark.parametrize("modern", [False, True], ids=["2025", "2026"])
def test_it_is_served_over_stdio(tmp_path: Path, modern: bool) -> None:
    with started(tmp_path) as process:
        process.modern = modern
        contents = read(process)
    assert contents["mimeType"] == MIME
    assert contents["_meta"]["ui"] == {"prefersBorder": True}
    assert contents["text"].startswith("<!doctype html>")


def test_without_the_library_for_charts_the_page_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "vl_convert.py").write_text("raise ImportError('not here')\n")
    path = os.pathsep.join((str(tmp_path / "lacking"), str(CHECKOUT)))
    with started(tmp_path, PYTHONPATH=path) as process:
        contents = read(process)
        assert process.end()[0] == 0
    parsed = Parsed(contents["text"])
    shown = " ".join(parsed.texts)
    assert "The report needs a library to draw charts." in shown
    assert 'pip install "mcp-model-router[report]"' in shown
    assert contents["mimeType"] == MIME


def test_listing_draws_nothing(open_router: Callable[[], Router], tmp_path: Path) -> None:
    build_server(open_router)
    assert list(tmp_path.iterdir()) == []
