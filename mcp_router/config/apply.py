"""Lays the providers, models, aliases and chains of the settings over the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.catalog.names import canonical, followed
from mcp_router.catalog.names import nearest as nearest_models
from mcp_router.config.merge import nearest_place
from mcp_router.config.nearest import nearest
from mcp_router.config.rows import changed_row, new_row, provider_row
from mcp_router.config.schema import dotted, printable
from mcp_router.errors import ConfigError, UnknownModelError
from mcp_router.types import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.schema import Path
    from mcp_router.config.settings import ModelSettings, Settings
    from mcp_router.types import Constraints, ModelInfo, ProviderInfo


def configured_catalog(
    settings: Settings, *, base: Catalog, sources: Mapping[str, str] = {}
) -> Catalog:
    """Return the catalogue with everything the settings add or change.

    A table under `models` changes the model its name means; with a provider and a context window
    and under a name of its own it adds one. `sources`, as `load_settings` returns it, lets
    errors name the file.

    Raises:
        ConfigError: a table says too little, or names a model or provider that does not exist.
    """
    laying = _Laying(settings, base, sources)
    _check_names(laying)
    providers = _providers(laying)
    rows = _rows(laying, {**base.providers, **providers})
    off = [row.name for name, row in rows.items() if not settings.models[name].enabled]
    if providers or rows:
        laying = laying._replace(
            base=base.extended(models=rows.values(), providers=providers, disabled=off)
        )
    named = _with_names(laying)
    _check_references(laying._replace(base=named))
    return named


_CHOICES = frozenset(("auto", *map(canonical, Strategy)))
"""Words that stand where a model may be named over HTTP, and ask for a choice among all."""


class _Laying(NamedTuple):
    settings: Settings
    base: Catalog
    sources: Mapping[str, str]

    def error(self, path: Path, problem: str, *, allowed: str = "") -> ConfigError:
        place = nearest_place(path, self.sources)
        return ConfigError(place=place, key=dotted(path), problem=problem, allowed=allowed)

    def model(self, name: str, path: Path) -> ModelInfo:
        try:
            return self.base.resolve(name)
        except UnknownModelError as error:
            problem = f"no model is called {printable(name)!r}"
            allowed = f"a model such as {', '.join(error.nearest)}"
            raise self.error(path, problem, allowed=allowed) from error

    def provider(self, name: str, path: Path, known: Mapping[str, ProviderInfo]) -> str:
        if name in known:
            return name
        problem = f"there is no provider {printable(name)!r}"
        allowed = f"a provider such as {', '.join(nearest(name, known))}"
        raise self.error(path, problem, allowed=allowed)


def _check_names(laying: _Laying) -> None:
    settings = laying.settings
    given: list[tuple[str, Path]] = [
        *((name, ("models", name)) for name in settings.models),
        *((name, ("aliases", name)) for name in settings.aliases),
        *((name, ("chains", name)) for name in settings.chains),
    ]
    for model, table in settings.models.items():
        for index, name in enumerate(table.aliases):
            given.append((name, ("models", model, "aliases", index)))
    for name, path in given:
        if canonical(name) in _CHOICES or canonical(name).startswith("auto:"):
            problem = (
                f"over HTTP {printable(name)!r} asks the router to choose, so it names nothing"
            )
            raise laying.error(path, problem, allowed="another name")


def _providers(laying: _Laying) -> dict[str, ProviderInfo]:
    found: dict[str, ProviderInfo] = {}
    for name, table in laying.settings.providers.items():
        row = provider_row(table, name=name, known=laying.base.providers.get(name))
        if row is None:
            path = ("providers", name, "base_url" if table.wire else "wire")
            values = "its address" if table.wire else "openai, anthropic or gemini"
            own = (n for n, t in laying.settings.providers.items() if t.wire and t.base_url)
            close = ", ".join(nearest(name, [*laying.base.providers, *own]))
            problem = "this is required for a provider of your own"
            allowed = f"{values}, or the name of another provider above, such as {close}"
            raise laying.error(path, problem, allowed=allowed)
        found[name] = row
    return found


def _rows(laying: _Laying, providers: Mapping[str, ProviderInfo]) -> dict[str, ModelInfo]:
    rows: dict[str, ModelInfo] = {}
    for name, table in laying.settings.models.items():
        path = ("models", name)
        if table.provider is not None:
            laying.provider(table.provider, (*path, "provider"), providers)
        for index, deployment in enumerate(table.deployments):
            at = (*path, "deployments", index, "provider")
            laying.provider(deployment.provider, at, providers)
        row = _row(laying, name, table)
        twin = next((n for n, r in rows.items() if canonical(r.name) == canonical(row.name)), None)
        if twin is not None:
            raise laying.error(path, f"this is the same model as {dotted(('models', twin))}")
        rows[name] = row
    return rows


def _row(laying: _Laying, name: str, table: ModelSettings) -> ModelInfo:
    known = _meant(laying.base, name, table)
    if known is not None:
        return changed_row(table, row=known)
    served = (table.provider, *(deployment.provider for deployment in table.deployments))
    provider = next(filter(None, served), None)
    if provider is None or table.context is None:
        missing = "provider" if provider is None else "context"
        values = "the name of a provider" if provider is None else "its window in tokens"
        own = [n for n, t in laying.settings.models.items() if t.provider and t.context]
        close = ", ".join(_nearest_models(laying.base, name, own=own))
        problem = "this is required for a model of your own"
        allowed = f"{values}, or the name of another model above, such as {close}"
        raise laying.error(("models", name, missing), problem, allowed=allowed)
    return new_row(table, name=name, provider=provider, context=table.context)


def _meant(base: Catalog, name: str, table: ModelSettings) -> ModelInfo | None:
    row = base.find(name)
    if row is None:
        return None
    # A complete table under a name that only leads to a built-in row is a model of its own.
    complete = table.provider is not None and table.context is not None
    return None if complete and canonical(row.name) != canonical(name) else row


def _nearest_models(base: Catalog, name: str, *, own: Sequence[str]) -> tuple[str, ...]:
    try:
        return (base.resolve(name).name,)
    except UnknownModelError as error:
        return nearest_models(name, known=error.nearest, given=own)


def _with_names(laying: _Laying) -> Catalog:
    settings, base = laying.settings, laying.base
    aliases = {canonical(alias): name for alias, name in settings.aliases.items()}
    for alias, name in settings.aliases.items():
        laying.model(followed(name, aliases=aliases), ("aliases", alias))
    named = base.extended(aliases=settings.aliases) if settings.aliases else base
    laying = laying._replace(base=named)
    for chain, names in settings.chains.items():
        for index, name in enumerate(names):
            laying.model(name, ("chains", chain, index))
    return named.extended(chains=settings.chains) if settings.chains else named


def _check_references(laying: _Laying) -> None:
    for name, path in _references(laying.settings, chains=laying.base.chains):
        if name is not None:
            laying.model(name, path)
    tasks = laying.settings.tasks
    limits: list[tuple[Constraints | None, Path]] = [
        (laying.settings.constraints, ("constraints",)),
        *((task.constraints, ("tasks", n, "constraints")) for n, task in tasks.items()),
    ]
    for constraints, path in limits:
        if constraints is not None:
            _check_constraints(laying, constraints, path)


def _references(settings: Settings, *, chains: Iterable[str]) -> Iterator[tuple[str | None, Path]]:
    yield settings.default_model, ("default_model",)
    yield settings.baseline, ("baseline",)
    for name, task in settings.tasks.items():
        yield task.primary, ("tasks", name, "primary")
        for index, model in enumerate(task.fallbacks):
            yield model, ("tasks", name, "fallbacks", index)
    for name, scorer in settings.scorers.items():
        yield scorer.model, ("scorers", name, "model")
    yield settings.shadow.judge, ("shadow", "judge")
    named = settings.shadow.chain
    if len(named) != 1 or canonical(named[0]) not in map(canonical, chains):
        for index, model in enumerate(named):
            yield model, ("shadow", "chain", index)


def _check_constraints(laying: _Laying, constraints: Constraints, path: Path) -> None:
    for key in ("models", "deny_models"):
        for index, name in enumerate(getattr(constraints, key)):
            laying.model(name, (*path, key, index))
    for key in ("providers", "deny_providers"):
        for index, name in enumerate(getattr(constraints, key)):
            laying.provider(name, (*path, key, index), laying.base.providers)
