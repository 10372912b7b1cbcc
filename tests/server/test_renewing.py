"""A running server takes up changed settings with its next call, and keeps the old ones else."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from mcp import Client

from mcp_router.config.settings import BudgetSettings, Settings
from mcp_router.errors import ConfigError, StorageError
from mcp_router.router import Router
from mcp_router.server.app import build_server
from mcp_router.server.lazy import LazyRouter
from tests.server.process import COMMAND, Process, environment, started
from tests.server.reading import body_of, text_of
from tests.server.upstream import PROMPT, TOOL, Upstream

SERVE = (sys.executable, "-W", "error", "-m", "mcp_router", "serve")


def limits(process: Process) -> dict[str, Any]:
    body = process.call("budget", {})["structuredContent"]
    return {row["name"]: row["limit_usd"] for row in body["budgets"] if "limit_usd" in row}


def terminal(folder: Path, *args: str, **more: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_router", *args],
        cwd=folder,
        env=dict(environment(folder, **more)),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [COMMAND, SERVE], ids=["module", "serve"])
def test_budgets_set_in_a_terminal_hold_at_once(tmp_path: Path, command: Sequence[str]) -> None:
    with started(tmp_path, command=command) as process:
        process.initialize()
        assert limits(process) == {}
        terminal(tmp_path, "budget", "set", "--daily", "5")
        assert limits(process) == {"day": "5"}
        terminal(tmp_path, "budget", "set", "--daily", "2.5", "--monthly", "40")
        assert limits(process) == {"day": "2.5", "month": "40"}
        assert process.end() == (0, b"", b"")


def test_a_lowered_limit_stops_the_next_call(distant: Upstream, tmp_path: Path) -> None:
    distant.serve("m-a")
    with started(tmp_path, ROUTING_CONFIG=distant.file()) as process:
        process.initialize()
        assert not process.call(TOOL, {"prompt": PROMPT})["isError"]
        distant.budget = {"daily": "0.000001"}
        distant.file()
        refused = process.call(TOOL, {"prompt": PROMPT})
    assert refused["isError"]
    assert "day budget" in refused["content"][0]["text"]
    assert distant.calls_of("m-a") == 1


@pytest.mark.parametrize(
    "broken", ["[budget]\ndaily = -1\n", "daily = = 2", "no_such_key = 1\n", "\0"]
)
def test_a_broken_file_keeps_the_former_settings_and_says_so(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "mcp-router.toml"
    file.write_text("[budget]\ndaily = 5\n")
    with started(tmp_path) as process:
        process.initialize()
        assert limits(process) == {"day": "5"}
        file.write_text(broken)
        for _ in range(2):
            answer = process.call("budget", {})
            (told,) = answer["structuredContent"]["warnings"]
            assert "mcp-router.toml" in told
            assert "former ones hold" in told
            assert answer["content"][-1]["text"] == f"Note: {told}"
            assert limits(process) == {"day": "5"}
        file.write_text("[budget]\ndaily = 7\n")
        answer = process.call("budget", {})
        assert "warnings" not in answer["structuredContent"]
        assert len(answer["content"]) == 1
        assert limits(process) == {"day": "7"}


def test_a_file_that_comes_or_goes_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "mcp-router.toml"
    with started(tmp_path) as process:
        process.initialize()
        assert limits(process) == {}
        file.write_text("[budget]\nmonthly = 9\n")
        assert limits(process) == {"month": "9"}
        file.unlink()
        assert limits(process) == {}


def test_settings_broken_from_the_start_are_read_again_once_mended(tmp_path: Path) -> None:
    file = tmp_path / "mcp-router.toml"
    file.write_text("strategy = 'best'\n")
    with started(tmp_path) as process:
        process.initialize()
        refused = process.call("budget", {})
        assert refused["isError"]
        assert "mcp-router.toml: strategy" in refused["content"][0]["text"]
        file.write_text("[budget]\ndaily = 3\n")
        assert limits(process) == {"day": "3"}


def test_routing_follows_a_changed_alias(tmp_path: Path) -> None:
    file = tmp_path / "mcp-router.toml"
    file.write_text('[aliases]\nmine = "haiku"\n')
    asked = {"prompt": "Fix the login bug", "models": ["mine"]}
    with started(tmp_path) as process:
        process.initialize()
        first = process.call("route", asked)["structuredContent"]["model"]
        file.write_text('[aliases]\nmine = "opus"\n')
        second = process.call("route", asked)["structuredContent"]["model"]
    assert "haiku" in first
    assert "opus" in second


class Settling:
    """Settings that a test changes; every router it opened is kept for a look."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daily = Decimal(1)
        self.routers: list[Router] = []

    def open(self) -> Router:
        if self.daily < 0:
            raise ConfigError(place="x.toml", key="budget.daily", problem="below 0")
        budget = BudgetSettings(daily=self.daily)
        settings = Settings(db=str(self.folder / "router.db"), budget=budget)

        self.routers.append(Router.open(settings, environ={}))
        return self.routers[-1]

    def lazy(self) -> LazyRouter:
        return LazyRouter(self.open, stamp=lambda: self.daily)


def is_open(router: Router) -> bool:
    try:
        router.budget()
    except StorageError:
        return False
    return True


async def test_a_call_in_flight_keeps_the_router_it_began_with(tmp_path: Path) -> None:
    settling = Settling(tmp_path)
    lazy = settling.lazy()
    async with lazy.call():
        first = await lazy.opened()
        settling.daily = Decimal(2)
        assert await lazy.opened() is first

        async def another() -> None:
            async with lazy.call():
                second = await lazy.opened()
                assert second is not first
                assert is_open(second)

        async with anyio.create_task_group() as group:
            group.start_soon(another)
        assert is_open(first)
    assert not is_open(first)
    await lazy.aclose()
    assert not any(map(is_open, settling.routers))


async def test_an_open_router_is_given_without_a_thread(tmp_path: Path) -> None:
    settling, threads = Settling(tmp_path), list[int]()

    def stamp() -> object:
        threads.append(threading.get_ident())
        return settling.daily

    lazy = LazyRouter(settling.open, stamp=stamp)
    given = list[Router]()
    for _ in range(2):
        async with lazy.call():
            given.append(await lazy.opened())
    assert given[0] is given[1]
    assert threading.get_ident() not in threads[:1]
    assert threads[1:] == [threading.get_ident()]
    await lazy.aclose()


async def test_calls_and_changes_at_once_leave_one_router_open(tmp_path: Path) -> None:
    settling = Settling(tmp_path)
    lazy = settling.lazy()

    async def call(number: int) -> None:
        async with lazy.call():
            settling.daily = Decimal(1 + number % 3)
            router = await lazy.opened()
            await anyio.lowlevel.checkpoint()
            assert is_open(router)
            assert lazy.get() is router

    async with anyio.create_task_group() as group:
        for number in range(24):
            group.start_soon(call, number)
    async with lazy.call():
        newest = await lazy.opened()
    assert [router for router in settling.routers if is_open(router)] == [newest]
    await lazy.aclose()


async def test_a_refused_change_is_tried_once_and_leaves_the_former(tmp_path: Path) -> None:
    settling = Settling(tmp_path)
    lazy = settling.lazy()
    lazy.get()
    settling.daily = Decimal(-1)
    for _ in range(3):
        lazy.get()
    assert len(settling.routers) == 1
    assert "x.toml: budget.daily: below 0." in lazy.problem
    assert lazy.get().settings.budget.daily == 1
    await lazy.aclose()


async def test_the_note_reaches_an_answer_of_text_alone(upstream: Upstream) -> None:
    upstream.serve("m-a")
    broken = [False]

    def open_router() -> Router:
        if broken[0]:
            raise ConfigError(place="x.toml", key="", problem="not TOML " + "y" * 900)
        return upstream.router()

    server = build_server(open_router, stamp=lambda: broken[0])
    async with Client(server) as client:
        first = await client.call_tool(TOOL, {"prompt": PROMPT})
        broken[0] = True
        second = await client.call_tool(TOOL, {"prompt": PROMPT})
        third = body_of(await client.call_tool("stats", {}))
    assert "Note:" not in text_of(first)
    assert "You said" in text_of(second)
    assert text_of(second).endswith("…")
    assert len(third["warnings"][0]) == 400
