"""The ROUTING_* variables and the settings they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PREFIX = "ROUTING_"
FILE_VARIABLE = "ROUTING_CONFIG"
ALIAS_PREFIX = "ROUTING_ALIAS_"

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "ROUTING_DEFAULT_MODEL": ("default_model",),
    "ROUTING_STRATEGY": ("strategy",),
    "ROUTING_DEBUG": ("debug",),
    "ROUTING_DB": ("db",),
    "ROUTING_LOG_FILE": ("log_file",),
    "ROUTING_LOG_FORMAT": ("log_format",),
    "ROUTING_DAILY_BUDGET": ("budget", "daily"),
    "ROUTING_MONTHLY_BUDGET": ("budget", "monthly"),
    "ROUTING_PER_REQUEST_LIMIT": ("budget", "per_request"),
    "ROUTING_TIMEZONE": ("budget", "timezone"),
    "ROUTING_FALLBACK_ENABLED": ("fallback", "enabled"),
    "ROUTING_MAX_RETRIES": ("fallback", "max_retries"),
    "ROUTING_TIMEOUT": ("fallback", "timeout_ms"),
    "ROUTING_ENABLE_CACHE": ("cache", "enabled"),
    "ROUTING_CACHE_TTL": ("cache", "ttl"),
    "ROUTING_ENABLE_LEARNING": ("learning", "enabled"),
    "ROUTING_TELEMETRY": ("telemetry", "enabled"),
}


class FromEnvironment(NamedTuple):
    """What the environment sets: path and value by variable, and variables nobody knows."""

    settings: Mapping[str, tuple[tuple[str, ...], str]]
    unknown: tuple[str, ...]


def read_environment(environ: Mapping[str, str]) -> FromEnvironment:
    """Collect the ROUTING_* variables; an empty one counts as not set.

    `ROUTING_ALIAS_FAST=haiku` makes the alias `fast`.
    """
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    unknown: list[str] = []
    for name in sorted(key for key in environ if key.startswith(PREFIX)):
        value = environ[name].strip()
        if not value or name == FILE_VARIABLE:
            continue
        alias = name.removeprefix(ALIAS_PREFIX).lower()
        if name in VARIABLES:
            found[name] = VARIABLES[name], value
        elif name.startswith(ALIAS_PREFIX) and alias:
            found[name] = ("aliases", alias), value
        else:
            unknown.append(name)
    return FromEnvironment(found, tuple(unknown))
