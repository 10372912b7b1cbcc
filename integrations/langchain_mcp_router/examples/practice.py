"""Where the examples run: at your providers, or without any key at a server on this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_router import Router
from mcp_router.testing import Answer, FaultServer


def run(main: Callable[[], None]) -> None:
    """Run an example with your settings where a model can be called, else with simulated ones."""
    if "ROUTING_CONFIG" in os.environ or _has_key():
        main()
        return
    print("No key is set: a server on this machine plays the providers.", file=sys.stderr)
    with FaultServer.run_in_thread() as server, TemporaryDirectory() as folder:
        server.script("practice-openai", [Answer()])
        server.script("practice-claude", [Answer()], wire="anthropic")
        server.script("practice-gemini", [Answer()], wire="gemini")
        models = tuple(server.settings()["models"])
        settings = {**server.settings(), "constraints": {"models": models}}
        file = Path(folder) / "settings.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        os.environ |= {"ROUTING_CONFIG": str(file), "ROUTING_DB": str(Path(folder) / "router.db")}
        main()


def _has_key() -> bool:
    with Router.open() as router:
        names = (one.api_key_env for one in router.catalog.providers.values())
        return any(os.environ.get(name) for name in names if name)
