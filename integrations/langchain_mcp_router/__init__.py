"""LangChain over the router: a chat model, an agent middleware, tools and a decision model."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_mcp_router.chat_model import ChatModelRouter
    from langchain_mcp_router.decisions import router_decision_model
    from langchain_mcp_router.middleware import ModelRouterMiddleware
    from langchain_mcp_router.tools import router_tools

__all__ = ["ChatModelRouter", "ModelRouterMiddleware", "router_decision_model", "router_tools"]

# Only the middleware needs the package langchain itself; the rest does with langchain-core.
_HOMES = {
    "ChatModelRouter": "chat_model",
    "ModelRouterMiddleware": "middleware",
    "router_decision_model": "decisions",
    "router_tools": "tools",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
