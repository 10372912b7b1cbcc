"""The settings of telemetry: whether there is any, and what it may carry."""

from __future__ import annotations

from pydantic import Field

from mcp_router.types import Value


class TelemetrySettings(Value):
    """Spans and metrics for OpenTelemetry; where they go, the OTEL_* variables say."""

    enabled: bool = Field(
        default=False, description="Whether spans and metrics are made; needs the extra otel."
    )
    prompts: bool = Field(
        default=False,
        description="Whether spans carry the texts of prompts and answers; not from a project's "
        "file.",
    )
