"""A harbour: three providers on loopback, a router over them, and two tools of an agent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from mcp_router import Router, Settings
from mcp_router.testing import Answer, FaultServer

WIRES: dict[str, Any] = {"gpt": "openai", "claude": "anthropic", "gemini": "gemini"}
PORTS = {"Brest": "14:20", "Kiel": "09:05"}


@tool
def high_tide(port: str) -> str:
    """Tell when the next high tide of a port is."""
    return f"High tide at {port}: {PORTS.get(port, 'unknown')}."


@tool
def low_tide(port: str) -> str:
    """Tell when the next low tide of a port is."""
    return f"Low tide at {port}: 20:31."


class Harbour(NamedTuple):
    """What a test needs; models are named "openai-m", "anthropic-m" and "gemini-m"."""

    server: FaultServer
    router: Router
    settings: Settings

    def targets(self, *wires: str) -> dict[str, BaseChatModel]:
        """LangChain's own chat models for the models of these wires."""
        made: dict[str, BaseChatModel] = {
            "openai-m": ChatOpenAI(
                model="openai-m", base_url=self.server.base_url("openai"), api_key="k"
            ),
            "anthropic-m": ChatAnthropic(
                model_name="anthropic-m", base_url=self.server.base_url("anthropic"), api_key="k"
            ),
        }
        return {name: one for name, one in made.items() if not wires or name[:-2] in wires}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database file as another process would."""
        with closing(sqlite3.connect(str(self.settings.db))) as connection:
            return connection.execute(query).fetchall()

    def shown(self) -> list[tuple[str, str]]:
        """What each call met, in order."""
        return [(call.model, call.shown) for call in self.server.calls]


@contextmanager
def harbour(folder: Path, **settings: Any) -> Iterator[Harbour]:
    """Serve three healthy models, each on a wire of its own."""
    with FaultServer.run_in_thread() as server:
        for wire in WIRES.values():
            server.script(f"{wire}-m", [Answer()], wire=wire)
        fields = {"db": str(folder / "router.db"), "fallback": {"max_retries": 0}, **settings}
        made = Settings.model_validate({**server.settings(), **fields})
        with Router.open(made, environ={}) as router:
            yield Harbour(server, router, made)
