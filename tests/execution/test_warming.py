"""Connections are opened ahead of the calls, for nothing, and then used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_router import Router, UnknownModelError
from mcp_router.config.settings import Settings
from mcp_router.testing import FaultServer, echo
from tests.providers.scene import ANSWER, head, serving, whole

PROMPT = "Say something nice about the sea."
GREETED = head(404, content_length=9)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def open_router(folder: Path, **ports: int) -> Router:
    """Open a router with a provider and a model for each port."""
    providers = {
        name: {"wire": "openai", "base_url": f"http://127.0.0.1:{port}/v1", "api_key_env": "KEY"}
        for name, port in ports.items()
    }
    models: dict[str, Any] = {
        f"of-{name}": {"provider": name, "context": 128_000, "price": {"input": 1, "output": 1}}
        for name in ports
    }
    settings = {"db": str(folder / "router.db"), "providers": providers, "models": models}
    return Router.open(Settings.model_validate(settings), environ={"KEY": "sk-SECRET"})


async def test_the_first_call_finds_the_connection_open(tmp_path: Path) -> None:
    async with (
        serving([GREETED], [whole(ANSWER)]) as server,
        open_router(tmp_path, east=server.port) as router,
    ):
        took = await router.warm_up(["of-east"])
        assert took["east"] is not None
        assert (server.connections, server.seen[0].line) == (1, "HEAD /v1 HTTP/1.1")

        await router.execute(PROMPT, chain=["of-east"])
        assert server.connections == 1


async def test_it_costs_nothing_and_shows_no_key(tmp_path: Path) -> None:
    async with serving([GREETED]) as server, open_router(tmp_path, east=server.port) as router:
        await router.warm_up()
        assert "sk-SECRET" not in repr(server.seen)
        assert router.stats() == ()
        assert all(one.reserved_usd == one.spent_usd == 0 for one in router.budget())


async def test_each_provider_is_met_once_and_whoever_is_away_is_told(tmp_path: Path) -> None:
    async with FaultServer() as faults:
        for name in ("first", "second"):
            faults.script(name, [], then="healthy")
        closed = int(faults.closed_url("openai").split(":")[2].split("/")[0])
        settings = faults.settings()
        away = {"wire": "openai", "base_url": f"http://127.0.0.1:{closed}/v1", "api_key_env": ""}
        settings["providers"] = {
            "fault-openai": settings["providers"]["fault-openai"],
            "away": away,
        }
        settings["models"]["third"] = {"provider": "away", "context": 1_000}
        whole_settings = Settings.model_validate({"db": str(tmp_path / "r.db"), **settings})
        async with Router.open(whole_settings, environ={}) as router:
            took = await router.warm_up()
            assert sorted(took) == ["away", "fault-openai"]
            assert took["away"] is None
            assert took["fault-openai"] is not None
            assert [one.shown for one in faults.calls] == ["greeting"]

            done = await router.execute(PROMPT, chain=["second"])
            assert done.content == echo(PROMPT)


async def test_a_server_that_keeps_silent_is_not_waited_for(tmp_path: Path) -> None:
    async with serving(["hang"]) as server:
        router = open_router(tmp_path, east=server.port)
        fast = router.settings.fallback.model_copy(update={"connect_ms": 50})
        settings = router.settings.model_copy(update={"fallback": fast})
        router.close()
        async with Router.open(settings, environ={"KEY": "x"}) as impatient:
            assert await impatient.warm_up() == {"east": None}


async def test_a_name_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    async with open_router(tmp_path, east=9) as router:
        with pytest.raises(UnknownModelError):
            await router.warm_up(["nobodys"])
        assert await router.warm_up([]) == {}
