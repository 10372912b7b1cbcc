"""Opens telemetry with OpenTelemetry's SDK, as the settings and the OTEL_* variables say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.errors import ConfigError
from mcp_router.telemetry.observer import Nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_router.config.telemetry import TelemetrySettings
    from mcp_router.telemetry.observer import Observer
    from mcp_router.types import BudgetStatus


def open_telemetry(
    settings: TelemetrySettings,
    *,
    environ: Mapping[str, str],
    budgets: Callable[[], Sequence[BudgetStatus]],
) -> Observer:
    """Open what the settings ask for; nothing is imported where they ask for nothing.

    Args:
        settings: whether there is telemetry.
        environ: where the OTEL_* variables are looked up.
        budgets: reads the budgets, whenever metrics are read.

    Raises:
        ConfigError: the extra `otel` is not installed.
    """
    if not settings.enabled:
        return Nobody()
    try:
        from mcp_router.telemetry.exporting import Exporting
    except ModuleNotFoundError as error:
        raise ConfigError(
            place="settings",
            key="telemetry.enabled",
            problem=f"the package {error.name} is not installed",
            allowed='false, or install it: pip install "mcp-model-router[otel]"',
        ) from error
    return Exporting(environ=environ, prompts=settings.prompts, budgets=budgets)
