"""One prompt falls back from model to model: for real on the wire, with simulated models."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import anyio

if TYPE_CHECKING:
    from decimal import Decimal

    from mcp_router.cli.session import Session
    from mcp_router.router import Router
    from mcp_router.testing import FaultServer
    from mcp_router.types import Completion

PROMPT = "Name three things a sailor checks before leaving port."
_ANSWER = "The weather, the fuel and the life jackets."
_MODELS = ("sim-offline", "sim-flaky", "sim-steady")


class Rehearsal(NamedTuple):
    """What happened: the answer, the wait before each attempt in ms, and what broke off.

    `void` maps a model to the text it gave before its stream broke. `spent` and `reserved` are
    what the ledger holds in the end.
    """

    result: Completion
    waits_ms: tuple[int, ...]
    void: dict[str, str]
    spent: Decimal
    reserved: Decimal


async def rehearse(session: Session) -> Rehearsal:
    """Start a server that fails on purpose, and stream one answer through it.

    The first model is down, the second breaks off in the middle, the third answers. Settings
    and database are thrown away; nothing leaves this machine.
    """
    from mcp_router.config.settings import Settings
    from mcp_router.router import Router
    from mcp_router.testing import FaultServer

    async with FaultServer() as server:
        _script(server)
        with TemporaryDirectory(prefix="mcp-router-") as folder:
            fields = {**server.settings(), "db": str(Path(folder) / "demo.db")}
            settings = Settings.model_validate(fields)
            async with Router.open(settings, environ={}, clock=session.clock) as router:
                return await _watched(router)


def _script(server: FaultServer) -> None:
    from mcp_router.testing import Answer, Fault

    answer = Answer(_ANSWER, chunks=6, chunk_delay=0.01)
    offline, flaky, steady = _MODELS
    server.script(offline, [Fault.http(503)], wire="openai")
    server.script(flaky, [Fault.cut(after=3, answer=answer)], wire="anthropic")
    server.script(steady, [answer], wire="gemini")


async def _watched(router: Router) -> Rehearsal:
    waits: list[int] = []
    void: dict[str, str] = {}
    heard, began, done = "", anyio.current_time(), None
    async with aclosing(router.stream(PROMPT, chain=_MODELS, max_tokens=100)) as events:
        async for event in events:
            match event.type:
                case "attempt":
                    now = anyio.current_time()
                    took = 0 if event.after is None else event.after.latency_ms
                    waits.append(max(0, round((now - began) * 1000) - took) if event.after else 0)
                    began = now
                case "delta":
                    heard += event.text
                case "restart":
                    void[event.model], heard = heard, ""
                case "done":
                    done = event.result
                case _:
                    pass
    if done is None:
        raise RuntimeError("a stream ended without its end")
    day = next(one for one in router.budget() if one.period == "day")
    return Rehearsal(done, tuple(waits), void, day.spent_usd, day.reserved_usd)
