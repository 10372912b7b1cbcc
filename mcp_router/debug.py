"""The debug log: every candidate, part and reason of a decision, to stderr and a file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_router.errors import ConfigError
from mcp_router.logs import lines

if TYPE_CHECKING:
    from mcp_router.config.settings import Settings
    from mcp_router.types import Decision

LOG_NAME = "debug.log"
"""The log file beside the database, unless the settings name another."""

_log = logging.getLogger("mcp_router")


def start_logging(settings: Settings) -> None:
    """Send the debug log to stderr and to `log_file`, by default a file beside the database.

    Raises:
        ConfigError: the log file cannot be opened.
    """
    if _log.handlers:
        return
    for handler in (logging.StreamHandler(), _file_handler(settings)):
        handler.setFormatter(lines(settings.log_format))
        _log.addHandler(handler)
    _log.setLevel(logging.DEBUG)
    # A host's own handlers on the root logger would print every line a second time.
    _log.propagate = False


def _file_handler(settings: Settings) -> logging.Handler:
    from mcp_router.storage.opened import local_folder

    path = Path(settings.log_file or local_folder(settings) / LOG_NAME)
    try:
        if settings.log_file is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror}"
        raise ConfigError(place="settings", key="log_file", problem=problem) from error


def log_decision(decision: Decision) -> None:
    """Log a decision whole; it holds no prompt text."""
    log = logging.LoggerAdapter(_log, {"decision_id": decision.decision_id})
    log.debug("%s chose %s: %s", decision.decision_id, decision.model, decision.reason)
    for reason in decision.reasons:
        log.debug("%s reason: %s", decision.decision_id, reason)
    for one in decision.candidates:
        parts = " ".join(f"{name}={value:.3f}" for name, value in one.parts)
        cost = "unknown" if one.estimated_cost_usd is None else f"${one.estimated_cost_usd:f}"
        log.debug(
            "%s candidate %s score=%.4f %s cost=%s",
            decision.decision_id,
            one.model,
            one.score,
            parts,
            cost,
        )
    for model, score in decision.others.items():
        log.debug("%s candidate %s score=%.4f", decision.decision_id, model, score)
    for ruled_out in decision.rejected:
        log.debug(
            "%s rejected %s by %s: %s",
            decision.decision_id,
            ruled_out.model,
            ruled_out.filter,
            ruled_out.reason,
        )
