"""Ollama on this machine answers through the router, where it runs and has a model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_router.cli.checkup import listens
from mcp_router.config.settings import Settings
from mcp_router.router import Router

OLLAMA = "http://127.0.0.1:11434/v1"
MODEL = "MCP_ROUTER_LIVE_OLLAMA_MODEL"


async def test_a_local_model_answers_for_nothing(tmp_path: Path) -> None:
    if not await listens(OLLAMA):
        pytest.skip("Ollama does not run on 127.0.0.1:11434")
    name = os.environ.get(MODEL)
    if not name:
        pytest.skip(f"set {MODEL} to the name of a model that Ollama has")
    local = {"provider": "ollama", "id": name, "context": 8192, "local": True}
    settings = Settings.model_validate(
        {"db": str(tmp_path / "live.db"), "models": {"mine": local}, "budget": {"daily": 0}}
    )
    async with Router.open(settings, environ={"OLLAMA_HOST": "127.0.0.1:11434"}) as router:
        done = await router.execute("Say hello.", chain=["mine"], max_tokens=100)
    assert done.content.strip()
    assert done.cost_usd == 0
