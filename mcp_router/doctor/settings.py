"""Checks the settings, the keys they lead to, and the models and prices that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.doctor.finding import Finding, fail, ok, warn
from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.load import Loaded
    from mcp_router.config.settings import Settings
    from mcp_router.types import ModelInfo

MAX_AGE_DAYS = 180
_MOST = 5


def check_settings(load: Callable[[], Loaded]) -> tuple[Loaded | None, tuple[Finding, ...]]:
    """Load the settings; the first value is None where that fails."""
    try:
        loaded = load()
    except RouterError as error:
        mend = error.hint or "Correct that place; `mcp-router config` shows the settings."
        return None, (fail("Settings", error.message, mend),)
    warnings = [warn("Settings", text, "See: mcp-router config check") for text in loaded.warnings]
    files = ", ".join(map(str, loaded.files)) or "none, every setting is the default"
    return loaded, (ok("Settings", f"files: {files}"), *warnings)


def check_keys(catalog: Catalog, *, settings: Settings, environ: Mapping[str, str]) -> Finding:
    """Check which providers have their key set; names only, and nothing is sent."""
    wanted = {name: info.api_key_env for name, info in catalog.providers.items()}
    there = {name for name, key in wanted.items() if key and environ.get(key, "").strip()}
    usable = [name for name in wanted if name in there or _is_local(name, wanted, settings)]
    named = [name for name in settings.providers if wanted.get(name) and name not in there]
    if named:
        missing = ", ".join(f"{name} ({wanted[name]})" for name in named)
        mend = "Set these variables where the host starts the server."
        return warn("Keys", f"none for {missing}, which your settings name", mend)
    if usable:
        return ok("Keys", f"set for {', '.join(usable)}")
    known = sorted({key for key in wanted.values() if key})[:_MOST]
    mend = f"Recommending works without; to run models set one, such as {', '.join(known)}."
    return warn("Keys", "none is set", mend)


def _is_local(name: str, wanted: Mapping[str, str | None], settings: Settings) -> bool:
    return not wanted[name] and name in settings.providers


def check_catalog(catalog: Catalog, *, settings: Settings, today: date) -> Iterator[Finding]:
    """Check how old the catalogue is, what your names lead to, and which prices are missing."""
    models = [m for m in catalog.models if m.retires_on is None or m.retires_on > today]
    newest = max((m.released for m in models if m.released), default=None)
    age = (today - newest).days if newest else 0
    text = f"{len(models)} models, the newest of {newest or 'unknown date'}"
    if age > MAX_AGE_DAYS:
        yield warn("Catalogue", f"{text}, {age} days ago", "Update the package for newer models.")
    else:
        yield ok("Catalogue", text)
    yield from _retired(catalog, settings=settings, today=today)
    yield _prices(models)


def _retired(catalog: Catalog, *, settings: Settings, today: date) -> Iterator[Finding]:
    for place, name in _named(settings):
        try:
            model = catalog.resolve(name)
        except RouterError as error:
            yield warn("Models", f"{place}: {error.message}", error.hint or "Name another one.")
            continue
        if model.retires_on is not None and model.retires_on <= today:
            then = f"Name {model.successor} instead." if model.successor else "Name another one."
            yield warn("Models", f"{place}: {model.name} retired on {model.retires_on}", then)


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.default_model:
        yield "default_model", settings.default_model
    for name, task in settings.tasks.items():
        for model in (task.primary, *task.fallbacks):
            if model:
                yield f"tasks.{name}", model
    for name, chain in settings.chains.items():
        yield from ((f"chains.{name}", model) for model in chain)


def _prices(models: list[ModelInfo]) -> Finding:
    unknown = [m.name for m in models if not m.prices and not m.local]
    if not unknown:
        return ok("Prices", f"known for all {len(models)} models")
    shown = ", ".join(unknown[:_MOST]) + (", …" if len(unknown) > _MOST else "")
    text = f"unknown for {len(unknown)} of {len(models)} models ({shown})"
    return warn("Prices", text, 'Set price = { input = …, output = … } under [models."NAME"].')
