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
        HostError,
        InvalidRequestError,
        LostDatabaseError,
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
        WorkflowBusyError,
        WorkflowError,
    )
    from mcp_router.providers.caller import Caller
    from mcp_router.providers.wire import (
        Call,
        FinishDelta,
        ReasoningDelta,
        Reply,
        TextDelta,
        ToolCallDelta,
        UsageDelta,
    )
    from mcp_router.router import Router
    from mcp_router.types import (
        Attempt,
        AttemptEvent,
        BudgetStatus,
        Candidate,
        Capability,
        Classification,
        Completion,
        Complexity,
        Constraints,
        Decision,
        DeltaEvent,
        DoneEvent,
        Estimate,
        Logprobs,
        Media,
        Message,
        Mode,
        ModelAnswer,
        ModelInfo,
        ModeOptions,
        Need,
        Outcome,
        Parts,
        Pattern,
        Reasoning,
        ReasoningEvent,
        Rejection,
        Request,
        Resolve,
        RestartEvent,
        StatRow,
        Strategy,
        StreamEvent,
        TaskType,
        Text,
        ToolCall,
        ToolCallEvent,
        ToolResult,
        ToolSpec,
        Usage,
    )
    from mcp_router.version import __version__
    from mcp_router.workflows.form import Workflow, WorkflowStep
    from mcp_router.workflows.result import StepEvent, StepResult, WorkflowResult

__all__ = [
    "Attempt",
    "AttemptEvent",
    "AuthenticationError",
    "BudgetExceededError",
    "BudgetStatus",
    "Call",
    "Caller",
    "Candidate",
    "Capability",
    "Classification",
    "Completion",
    "Complexity",
    "ConfigError",
    "Constraints",
    "ContentFilteredError",
    "ContextLengthError",
    "Decision",
    "DeltaEvent",
    "DoneEvent",
    "Estimate",
    "FallbackExhaustedError",
    "FinishDelta",
    "HostError",
    "InvalidRequestError",
    "Logprobs",
    "LostDatabaseError",
    "MalformedResponseError",
    "Media",
    "Message",
    "Mode",
    "ModeOptions",
    "ModelAnswer",
    "ModelInfo",
    "Need",
    "NoCandidateError",
    "Outcome",
    "Parts",
    "Pattern",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderHTTPError",
    "ProviderTimeout",
    "RateLimitedError",
    "Reasoning",
    "ReasoningDelta",
    "ReasoningEvent",
    "Rejection",
    "Reply",
    "Request",
    "Resolve",
    "RestartEvent",
    "Router",
    "RouterError",
    "Settings",
    "StatRow",
    "StepEvent",
    "StepResult",
    "StorageError",
    "Strategy",
    "StreamEvent",
    "TaskType",
    "Text",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallEvent",
    "ToolResult",
    "ToolSpec",
    "UnknownDecisionError",
    "UnknownModelError",
    "UnpricedModelError",
    "Usage",
    "UsageDelta",
    "Workflow",
    "WorkflowBusyError",
    "WorkflowError",
    "WorkflowResult",
    "WorkflowStep",
    "__version__",
]

# Where the names live, lightest first; each is imported when one of its names is first used, so
# that `import mcp_router` costs nothing.
_HOMES = (
    "version",
    "errors",
    "types",
    "router",
    "config.settings",
    "providers.wire",
    "providers.caller",
    "workflows.form",
    "workflows.result",
)


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
