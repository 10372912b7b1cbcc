"""Which providers can be called: those whose key is set, and the local servers set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings


def usable_providers(
    catalog: Catalog, *, settings: Settings, environ: Mapping[str, str]
) -> frozenset[str]:
    """Name the providers whose key is set in `environ`, and the local servers that are set up.

    A server without a key counts as set up once the settings name it or a model of it, and
    Ollama also where its own variable `OLLAMA_HOST` is set.
    """
    named = {*settings.providers, *(m.provider for m in settings.models.values() if m.provider)}
    if environ.get("OLLAMA_HOST"):
        named.add("ollama")
    return frozenset(
        name
        for name, provider in catalog.providers.items()
        if (
            environ.get(provider.api_key_env, "").strip() if provider.api_key_env else name in named
        )
    )
