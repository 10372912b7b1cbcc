"""What the router did for an answer: in headers, as far as it is known, and in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.money import format_usd, to_nanos

if TYPE_CHECKING:
    from mcp_router.door.asked import Asked
    from mcp_router.types import Completion


def facts_of(done: Completion) -> dict[str, Any]:
    """Write what was decided, tried and paid, as the field `x_router` of an answer."""
    told = done.model_dump(
        mode="json",
        include={"decision_id", "model", "provider", "cost_usd", "latency_ms", "first_token_ms"},
        exclude_none=True,
    )
    told["attempts"] = [
        one.model_dump(
            mode="json", include={"model", "provider", "outcome", "cost_usd"}, exclude_none=True
        )
        for one in done.attempts
    ]
    if done.warnings:
        told["warnings"] = list(done.warnings)
    return told


def headers_of(done: Completion, *, asked: Asked) -> dict[str, str]:
    """Write the same as headers."""
    told = {
        "x-router-decision-id": done.decision_id,
        "x-router-model": done.model,
        "x-router-provider": done.provider,
        "x-router-attempts": str(len(done.attempts)),
        "x-router-latency-ms": str(done.latency_ms),
    }
    if done.cost_usd is not None:
        told["x-router-cost-usd"] = format_usd(to_nanos(done.cost_usd))
    return told | ignored_header(asked)


def ignored_header(asked: Asked) -> dict[str, str]:
    """Name the fields that were ignored, if there are any."""
    return {"x-router-ignored": ", ".join(asked.ignored)} if asked.ignored else {}
