"""The table of all settings for the documentation, built from the field definitions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.config.environment import VARIABLES
from mcp_router.config.schema import dotted, leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONSTRAINTS: Mapping[str, str] = {
    "max_cost_usd": "Most a request may be expected to cost.",
    "max_latency_ms": "Longest expected time to the whole answer.",
    "min_quality": "Least predicted chance of a good answer.",
    "min_context": "Least context window in tokens.",
    "requires": "What a model must be able to do; a capability means a rating of at least 7.",
    "prefers": "Capabilities that count more, without ruling anything out.",
    "<capability>": "Least rating of this capability.",
    "models": "The only models allowed; empty allows all.",
    "deny_models": "Models that are never used.",
    "providers": "The only providers allowed; empty allows all.",
    "deny_providers": "Providers that are never used.",
}
_ITEMS: Mapping[str, str] = {
    "chains.<name>": "The models of this chain, to be tried in order.",
    "aliases.<name>": "The model this name stands for.",
    "providers.<name>.headers.<name>": "The value of a further header.",
    "models.<name>.capabilities.<capability>": "Its rating from 1 to 10; 5 for a new model.",
}


class SettingRow(NamedTuple):
    """One line of the table; `default` and `variable` are "" where there is none."""

    key: str
    type: str
    default: str
    variable: str
    meaning: str


def settings_reference() -> tuple[SettingRow, ...]:
    """List every setting in the order of the definitions; a chosen name is written `<name>`."""
    variables = {path: name for name, path in VARIABLES.items()}
    variables["aliases", "<name>"] = "ROUTING_ALIAS_<NAME>"
    rows: list[SettingRow] = []
    for path, node in leaves():
        # The same rows as for all requests would only repeat themselves.
        if path[2:3] == ("constraints",):
            continue
        key = dotted(path)
        meaning = node.meaning or _ITEMS.get(key) or _CONSTRAINTS[path[-1]]
        row = SettingRow(key, node.type, _shown(node.default), variables.get(path, ""), meaning)
        rows.append(row)
    meaning = "As constraints.*, for requests of this type only."
    rows.append(SettingRow("tasks.<name>.constraints.*", "table", "", "", meaning))
    return tuple(rows)


def _shown(default: object) -> str:
    if default is None or default == ():
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    return f"{default:f}" if isinstance(default, Decimal) else str(default)
