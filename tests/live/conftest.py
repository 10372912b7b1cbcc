"""Calls real providers and spends a fraction of a cent: only `make live` runs it.

Every provider whose key is in the environment is called; the others are skipped by name.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.names import is_retired
from mcp_router.catalog.pricing import rates_at
from mcp_router.config.load import load_settings
from mcp_router.router import Router
from mcp_router.types import ModelInfo, Need

SWITCH = "MCP_ROUTER_LIVE"
NOW = datetime.now(UTC)
CATALOG = Catalog.load(on=NOW.date())
PROVIDERS = [
    provider
    for provider in CATALOG.providers.values()
    if provider.api_key_env and any(model.provider == provider.name for model in CATALOG.models)
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get(SWITCH):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="real providers are called by: make live"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=PROVIDERS, ids=lambda provider: provider.name)
def cheapest(request: pytest.FixtureRequest) -> ModelInfo:
    """The cheapest current model of a provider that takes tools and does not think first."""
    provider = request.param
    if not os.environ.get(provider.api_key_env, "").strip():
        pytest.skip(f"no key: set {provider.api_key_env} to call {provider.name}")

    def rank(model: ModelInfo) -> tuple[bool, bool, int]:
        rates = rates_at(model, now=NOW, prompt_tokens=0)
        unfit = Need.TOOLS not in model.features or Need.THINKING in model.features
        return unfit, rates is None, rates.output if rates else 0

    models = [model for model in CATALOG.models if model.provider == provider.name]
    return min((one for one in models if not is_retired(one, on=NOW.date())), key=rank)


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    """A router that keeps its records apart and may not spend more than half a dollar."""
    settings = load_settings(
        environ=os.environ,
        cwd=tmp_path,
        overrides={
            "db": str(tmp_path / "live.db"),
            "budget": {"daily": "0.50", "per_request": "0.05"},
            "fallback": {"enabled": False},
        },
    ).settings
    async with Router.open(settings) as router:
        yield router
