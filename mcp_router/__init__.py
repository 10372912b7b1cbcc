"""Local-first model router: which model should do a task, why, at what cost; and does it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.config.settings import Settings
    from mcp_router.errors import (
        AuthenticationError,
        BudgetExceededError,
        ConfigError,
        ContentFilteredError,
        ContextLengthError,
        FallbackExhaustedError,
        InvalidRequestError,
        MalformedResponseError,
        NoCandidateError,
        ProviderConnectionError,
        ProviderError,
        ProviderHTTPError,
        ProviderTimeout,
        RateLimitedError,
        RouterError,
        StorageError,
        UnknownDecisionError,
        UnknownModelError,
        UnpricedModelError,
    )
    from mcp_router.router import Router
    from mcp_router.types import (
        BudgetStatus,
        Candidate,
        Capability,
        Classification,
        Complexity,
        Constraints,
        Decision,
        Estimate,
        Media,
        Message,
        ModelInfo,
        Need,
        Parts,
        Pattern,
        Reasoning,
        Rejection,
        Request,
        StatRow,
        Strategy,
        TaskType,
        Text,
        ToolCall,
        ToolResult,
        ToolSpec,
        Usage,
    )
    from mcp_router.version import __version__

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "BudgetStatus",
    "Candidate",
    "Capability",
    "Classification",
    "Complexity",
    "ConfigError",
    "Constraints",
    "ContentFilteredError",
    "ContextLengthError",
    "Decision",
    "Estimate",
    "FallbackExhaustedError",
    "InvalidRequestError",
    "MalformedResponseError",
    "Media",
    "Message",
    "ModelInfo",
    "Need",
    "NoCandidateError",
    "Parts",
    "Pattern",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderHTTPError",
    "ProviderTimeout",
    "RateLimitedError",
    "Reasoning",
    "Rejection",
    "Request",
    "Router",
    "RouterError",
    "Settings",
    "StatRow",
    "StorageError",
    "Strategy",
    "TaskType",
    "Text",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "UnknownDecisionError",
    "UnknownModelError",
    "UnpricedModelError",
    "Usage",
    "__version__",
]

# Where the names live, lightest first; each is imported when one of its names is first used, so
# that `import mcp_router` costs nothing.
_HOMES = ("version", "errors", "types", "config.settings", "router")


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
