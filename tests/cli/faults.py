"""Settings that lead to the models of a fault server, in a file a command line is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from mcp_router.storage.sqlite import SqliteStore
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Behaviour
from mcp_router.testing.server import FaultServer

PROMPT = "Say something nice about the sea."
WHOLE = echo(PROMPT)


class Faults:
    """Models are scripted with `serve`; `file` is written anew each time."""

    def __init__(self, server: FaultServer, *, folder: Path) -> None:
        self.server = server
        self.file = folder / "faults.json"
        self.database = folder / "router.db"
        self.more: dict[str, Any] = {}
        self._names: list[str] = []

    def serve(self, name: str, *behaviours: Behaviour, **fields: Any) -> None:
        """Put a model at the end of the chain `all`; what `fields` say holds for every model."""
        self.server.script(name, list(behaviours), then="repeat last" if behaviours else "healthy")
        self._names.append(name)
        settings = {**self.server.settings(**fields), "chains": {"all": self._names}, **self.more}
        self.file.write_text(json.dumps(settings), encoding="utf-8")

    def line(self, *args: str, chain: str = "all") -> tuple[str, ...]:
        """A `run` of the prompt over the chain."""
        return ("run", "--config", str(self.file), PROMPT, "--chain", chain, *args)

    def rows(self, query: str) -> list[Any]:
        with closing(SqliteStore.open(self.database)) as store, store.database.reading() as found:
            return found.execute(query).fetchall()

    def assert_nothing_held(self) -> None:
        """No money is reserved, no probe is out, and ledger and records agree."""
        assert self.rows("SELECT entry_id FROM ledger_entries WHERE state <> 'settled'") == []
        assert self.rows("SELECT name FROM budget_tracking WHERE reserved_nanos <> 0") == []
        assert self.rows("SELECT model FROM breakers WHERE probe_until <> 0") == []

    def bodies(self) -> list[Mapping[str, Any]]:
        return [call.body for call in self.server.calls]
