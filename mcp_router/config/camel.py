"""Reads the camelCase keys that JSON settings may use: defaultModel, enableCache, dailyLimit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from mcp_router.config.schema import Node, dotted, find, schema
from mcp_router.errors import ConfigError

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# Other names of settings, by the table they stand in, with the path below that table.
_OTHER_NAMES: Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]] = {
    (): {
        "enable_cache": ("cache", "enabled"),
        "cache_enabled": ("cache", "enabled"),
        "cache_ttl": ("cache", "ttl"),
        "enable_learning": ("learning", "enabled"),
        "learning_enabled": ("learning", "enabled"),
        "daily_limit": ("budget", "daily"),
        "daily_budget": ("budget", "daily"),
        "monthly_limit": ("budget", "monthly"),
        "monthly_budget": ("budget", "monthly"),
        "per_request_limit": ("budget", "per_request"),
        "per_request_budget": ("budget", "per_request"),
        "timezone": ("budget", "timezone"),
        "alerts": ("budget", "alerts"),
        "on_unknown_price": ("budget", "on_unknown_price"),
        "enable_fallback": ("fallback", "enabled"),
        "fallback_enabled": ("fallback", "enabled"),
        "max_attempts": ("fallback", "max_attempts"),
        "max_retries": ("fallback", "max_retries"),
        "timeout": ("fallback", "timeout_ms"),
        "timeout_ms": ("fallback", "timeout_ms"),
    },
    ("budget",): {
        "daily_limit": ("daily",),
        "monthly_limit": ("monthly",),
        "per_request_limit": ("per_request",),
    },
    ("fallback",): {"timeout": ("timeout_ms",)},
}


def snake_case_keys(table: Mapping[str, object], *, place: str) -> dict[str, object]:
    """Return the table with every fixed key in the form TOML uses; chosen names stay as they are.

    Raises:
        ConfigError: a setting is given under two names.
    """
    return _converted(table, schema(), at=(), place=place)


def _converted(
    table: Mapping[str, object], node: Node, *, at: tuple[str, ...], place: str
) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in table.items():
        path = _path(key, node, at=at)
        below = find((*at, *path))
        inner = _as_table(value)
        if inner is not None and below is not None:
            converted = _converted(inner, below, at=(*at, *path), place=place)
            _put(result, path, converted, place=place)
        else:
            _put(result, path, value, place=place)
    return result


def _as_table(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _path(key: str, node: Node, *, at: tuple[str, ...]) -> tuple[str, ...]:
    if not node.fields or key in node.fields:
        return (key,)
    snake = _HUMP.sub("_", key).lower()
    # An unknown key keeps its spelling, so that the message repeats what was written.
    return _OTHER_NAMES.get(at, {}).get(snake) or ((snake,) if snake in node.fields else (key,))


def _put(table: dict[str, object], path: tuple[str, ...], value: object, *, place: str) -> None:
    *above, last = path
    for key in above:
        below = table.setdefault(key, {})
        if not isinstance(below, dict):
            raise ConfigError(place=place, key=key, problem="this is a table of settings")
        table = cast("dict[str, object]", below)
    present = table.get(last)
    if isinstance(present, dict) and isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            _put(cast("dict[str, object]", present), (key,), inner, place=place)
    elif last in table:
        raise ConfigError(place=place, key=dotted(path), problem="this is given under two names")
    else:
        table[last] = value
