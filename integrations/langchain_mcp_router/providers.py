"""The names of providers, as the router and as LangChain know them."""

from __future__ import annotations

_LANGCHAIN = {"google": "google_genai", "mistral": "mistralai"}
_ROUTER = {theirs: ours for ours, theirs in _LANGCHAIN.items()}


def langchain_provider(name: str) -> str:
    """Give the name under which LangChain's packages know a provider."""
    return _LANGCHAIN.get(name, name)


def router_provider(name: object) -> str | None:
    """Give the router's name for a provider that LangChain names; None for none."""
    return _ROUTER.get(name, name) if isinstance(name, str) and name else None
