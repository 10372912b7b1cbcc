"""The page and JSON of the effective settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from mcp_router.cli.page import Column, Line, Notes, Page, Table
from mcp_router.config.merge import DEFAULT
from mcp_router.config.schema import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_router.config.load import Loaded
    from mcp_router.config.schema import Path

_MASK = "(set, not shown)"


def settings_page(loaded: Loaded, *, only_changed: bool) -> Page:
    """Build the table of settings with the place each came from."""
    values = dict(_by_key(_values(loaded)))
    rows = tuple(
        (key, _written(values.get(key)), place)
        for key, place in loaded.sources.items()
        if not (only_changed and place == DEFAULT)
    )
    if not rows:
        return Page((Line("Every setting has its default."),))
    columns = (
        Column("Setting", flexible=True),
        Column("Value", flexible=True),
        Column("From", flexible=True),
    )
    files = ", ".join(map(str, loaded.files)) or "none"
    return Page((Table(columns, rows), Notes("hint", (f"Settings files read: {files}",))))


def settings_json(loaded: Loaded) -> dict[str, Any]:
    """Build the JSON of the settings, their sources by dotted key, files and warnings."""
    return {
        "settings": _values(loaded),
        "sources": dict(loaded.sources),
        "files": [str(file) for file in loaded.files],
        "warnings": list(loaded.warnings),
    }


def _values(loaded: Loaded) -> dict[str, Any]:
    values: dict[str, Any] = loaded.settings.model_dump(mode="json")
    # An address to post to often is itself the secret.
    if values["budget"]["alert_webhook"] is not None:
        values["budget"]["alert_webhook"] = _MASK
    return values


def _by_key(values: Mapping[str, object], above: Path = ()) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        # A name may hold what a dotted key escapes or cuts, so keys are made, not taken apart.
        yield dotted((*above, name)), value
        if isinstance(value, dict):
            yield from _by_key(cast("dict[str, object]", value), (*above, name))


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
