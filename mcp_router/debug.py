"""The debug log: every candidate, part and reason of a decision, to stderr and a file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from mcp_router.config.settings import Settings
    from mcp_router.types import Decision

_log = logging.getLogger("mcp_router")


def start_logging(settings: Settings) -> None:
    """Send the debug log to stderr and, where `log_file` is set, to that file as well.

    Raises:
        ConfigError: the log file cannot be opened.
    """
    if _log.handlers:
        return
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if settings.log_file is not None:
        try:
            handlers.append(logging.FileHandler(settings.log_file, encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                place="settings", key="log_file", problem=f"cannot be written: {error.strerror}"
            ) from error
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        _log.addHandler(handler)
    _log.setLevel(logging.DEBUG)
    # A host's own handlers on the root logger would print every line a second time.
    _log.propagate = False


def log_decision(decision: Decision) -> None:
    """Log a decision whole; it holds no prompt text."""
    _log.debug("%s chose %s: %s", decision.decision_id, decision.model, decision.reason)
    for reason in decision.reasons:
        _log.debug("%s reason: %s", decision.decision_id, reason)
    for one in decision.candidates:
        parts = " ".join(f"{name}={value:.3f}" for name, value in one.parts)
        cost = "unknown" if one.estimated_cost_usd is None else f"${one.estimated_cost_usd:f}"
        _log.debug(
            "%s candidate %s score=%.4f %s cost=%s",
            decision.decision_id,
            one.model,
            one.score,
            parts,
            cost,
        )
    for model, score in decision.others.items():
        _log.debug("%s candidate %s score=%.4f", decision.decision_id, model, score)
    for ruled_out in decision.rejected:
        _log.debug(
            "%s rejected %s by %s: %s",
            decision.decision_id,
            ruled_out.model,
            ruled_out.filter,
            ruled_out.reason,
        )
