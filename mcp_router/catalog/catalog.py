"""The catalogue as the rest of the router sees it: every model and every name, on one day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

from mcp_router.catalog import document, names
from mcp_router.errors import ConfigError, UnknownModelError
from mcp_router.types import ModelInfo, ProviderInfo

ModelRow = ModelInfo | Mapping[str, Any]
"""A whole row, or its name and the fields that differ from the row of that name."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Catalog:
    """What models exist, where they are reached, and what each name means on the day `on`.

    Attributes:
        models: the rows that may be chosen, in a fixed order; retired ones are among them.
        providers: by name.
        chains: lists of models, lines, aliases or roles, by name.
        roles: what a model is wanted for, to the name that stands for it.
        given_aliases: those of the user, by canonical name; they beat every built-in name.
        given_models: names of the rows the user added or changed, suggested first.
        given_names: canonical names the user gave to rows, to the names of these; they beat the
            built-in names that are not those of rows.
        given_chains: names of the user's chains, suggested first.
        disabled: rows that still resolve, for reports, and are never chosen.
        version: hash of the content, equal on every machine.
    """

    models: tuple[ModelInfo, ...]
    providers: Mapping[str, ProviderInfo]
    chains: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, str]
    on: date
    version: str
    given_aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    given_models: tuple[str, ...] = ()
    given_names: Mapping[str, str] = field(default_factory=dict[str, str])
    given_chains: tuple[str, ...] = ()
    disabled: tuple[ModelInfo, ...] = ()

    @classmethod
    def load(cls, *, on: date) -> Catalog:
        """Read the built-in catalogue as it stands on a day; takes about 3 ms."""
        content, version = document.read()
        return cls(
            models=content.models,
            providers=MappingProxyType({provider.name: provider for provider in content.providers}),
            chains=MappingProxyType(dict(content.chains)),
            roles=MappingProxyType(dict(content.roles)),
            on=on,
            version=version,
        )

    def resolve(self, name: str) -> ModelInfo:
        """Find the row a name means: a name, wire id, alias, line, role, label or dated snapshot.

        Case, blanks, dots for hyphens and a leading `provider/` are allowed, and separators may
        be left out where only one model can be meant. A retired or disabled model is found too.

        Raises:
            UnknownModelError: nothing is called so; holds the three nearest names.
        """
        found = self.find(name)
        if found is None:
            raise self._unknown(name)
        return found

    def find(self, name: str) -> ModelInfo | None:
        """Find the row a name means as `resolve` does, None where nothing is called so."""
        return self._find(names.followed(name, aliases=self.given_aliases))

    def chain(self, spec: str | Sequence[str]) -> tuple[ModelInfo, ...]:
        """Find the models of a chain, given by its name, as one model or as a list of models.

        A model is listed once, at its first place; disabled ones are left out.

        Raises:
            UnknownModelError: an entry is no model, or `spec` neither a chain nor a model.
        """
        entries = self._entries(spec) if isinstance(spec, str) else spec
        models = {model.name: model for model in map(self.resolve, entries)}
        for model in self.disabled:
            models.pop(model.name, None)
        return tuple(models.values())

    def extended(
        self,
        *,
        models: Iterable[ModelRow] = (),
        providers: Mapping[str, ProviderInfo] = MappingProxyType({}),
        aliases: Mapping[str, str] = MappingProxyType({}),
        chains: Mapping[str, Sequence[str]] = MappingProxyType({}),
        disabled: Iterable[str] = (),
    ) -> Catalog:
        """Lay the user's own rows, providers, aliases and chains over this catalogue.

        Where a chain may be named, a name of the user's own means what the user gave it to: a
        built-in chain of that name is left out. Of the user's own things the chain comes first.

        A row replaces the one of its name; a mapping changes only the fields it states. Disabled
        models are never chosen. Aliases may name aliases; one that names itself means the model
        behind it.

        Raises:
            ConfigError: a row names a provider that does not exist.
            UnknownModelError: an alias, a chain or `disabled` names a model that does not exist.
            pydantic.ValidationError: a row does not have the fields of a model.
        """
        rows = {model.name: model for model in (*self.models, *self.disabled)}
        given = [_row(row, rows=rows) for row in models]
        given_names = {**self.given_names, **_new_names(given, rows=rows)}
        given_aliases = {**self.given_aliases, **_canonical_keys(aliases)}
        rows |= {model.name: model for model in given}
        wider = replace(
            self,
            models=tuple(rows.values()),
            providers=MappingProxyType({**self.providers, **providers}),
            chains=self._chains_beside({*given_names, *given_aliases}, chains=_tuples(chains)),
            given_aliases=MappingProxyType(given_aliases),
            given_models=(*self.given_models, *(name for m in given for name in _names(m))),
            given_names=MappingProxyType(given_names),
            given_chains=(*self.given_chains, *chains),
            disabled=(),
        )
        off = {model.name for model in self.disabled}
        off |= {wider.resolve(name).name for name in disabled}
        change = [*map(document.line, (*given, *providers.values())), *sorted(off)]
        change += [repr(sorted(items)) for items in (aliases.items(), _tuples(chains).items())]
        result = replace(
            wider,
            models=tuple(model for model in rows.values() if model.name not in off),
            disabled=tuple(model for model in rows.values() if model.name in off),
            version=document.fingerprint("\n".join([self.version, *change]).encode()),
        )
        result.check()
        return result

    def limited(self, names: Iterable[str]) -> Catalog:
        """Disable every model but those named.

        Raises:
            UnknownModelError: a name that is no model or alias.
        """
        kept = {self.resolve(name).name for name in names}
        return self.extended(disabled=[one.name for one in self.models if one.name not in kept])

    def check(self) -> None:
        """Make sure that every provider, alias, role, chain entry and successor exists.

        Raises:
            ConfigError: a row names a provider that does not exist.
            UnknownModelError: a name leads to no model.
        """
        for model in self.models:
            if model.provider not in self.providers:
                raise ConfigError(
                    place="catalogue",
                    key=f"models.{model.name}.provider",
                    problem=f"there is no provider {model.provider!r}",
                    allowed=", ".join(sorted(self.providers)),
                )
            if model.successor is not None:
                self.resolve(model.successor)
        chained = [entry for chain in self.chains.values() for entry in chain]
        for name in (*self.given_aliases, *self.roles, *chained):
            self.resolve(name)

    @cached_property
    def strongest_first(self) -> Sequence[ModelInfo]:
        """The models whose price is known, those expected to be best first."""
        priced = (model for model in self.models if model.prices)
        return sorted(priced, key=lambda model: (model.quality.value, model.name), reverse=True)

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Every name that stands for a model without being its own, to the name of that model."""
        aliases = (alias for model in self._rows for alias in model.aliases)
        every = (*aliases, *self._lines, *self.roles, *self.given_aliases)
        found = {name: self.resolve(name).name for name in every}
        return MappingProxyType({name: row for name, row in found.items() if name != row})

    @property
    def _rows(self) -> tuple[ModelInfo, ...]:
        return (*self.models, *self.disabled)

    @cached_property
    def _lines(self) -> Mapping[str, ModelInfo]:
        # A disabled model stands for its line only where nothing else is left of the line.
        lines = names.newest_of_lines(self.disabled, on=self.on)
        return lines | names.newest_of_lines(self.models, on=self.on)

    @cached_property
    def _row_names(self) -> Mapping[str, ModelInfo]:
        return names.row_names(self._rows, given=self.given_names)

    @cached_property
    def _squeezed(self) -> Mapping[str, ModelInfo]:
        return names.squeezed_names({**self._row_names, **self._lines})

    @cached_property
    def _own_names(self) -> frozenset[str]:
        own = (name for row in self._rows for name in (row.name, *row.aliases))
        return frozenset(map(names.canonical, own))

    @property
    def _vocabulary(self) -> Iterable[str]:
        return (*self._lines, *self.roles, *self.given_aliases, *(row.name for row in self._rows))

    def _unknown(self, name: str, *, chains: Iterable[str] | None = None) -> UnknownModelError:
        shown = name if len(name) <= names.LONGEST_NAME else f"{name[:60]}…"
        given = (*self.given_aliases, *self.given_models)
        models = names.nearest(name, known=self._vocabulary, given=given)
        if chains is None:
            return UnknownModelError(shown, nearest=models)
        close = names.nearest_chains(name, known=chains)
        return UnknownModelError(shown, nearest=models, chains=close)

    def _entries(self, spec: str) -> Sequence[str]:
        key = names.canonical(spec)
        for name, entries in self.chains.items():
            if names.canonical(name) == key:
                return entries
        if self.find(spec) is None:
            raise self._unknown(spec, chains=(*self.given_chains, *self.chains))
        return (spec,)

    def _chains_beside(
        self, given: set[str], *, chains: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]]:
        """Add chains to those built in whose names the user gave to nothing else."""
        taken = given.union(map(names.canonical, chains))
        kept = {
            name: entries
            for name, entries in self.chains.items()
            if name in (*chains, *self.given_chains) or names.canonical(name) not in taken
        }
        return MappingProxyType({**kept, **chains})

    def _find(self, name: str) -> ModelInfo | None:
        key = names.canonical(name)
        found = self._looked_up(key) or self._looked_up(key.removesuffix("-latest"))
        return found or self._squeezed.get(names.squeezed(key))

    def _looked_up(self, key: str) -> ModelInfo | None:
        provider, mark, rest = key.replace(":", "/", 1).partition("/")
        if mark and provider in self.providers:
            found = self._named(rest)
            if found is None or found.provider != provider:
                # A model of that name elsewhere does not stand for a line of this provider.
                found = self._lines.get(rest)
            if found is not None and found.provider == provider:
                return found
            return self._snapshot(key) or self._snapshot(f"{provider}/{rest}")
        return self._named(key) or self._snapshot(key)

    def _named(self, key: str) -> ModelInfo | None:
        # A line follows its newest model, so it beats a wire id: "gemini-pro" once was one.
        if key not in self._own_names:
            if found := self._lines.get(key):
                return found
            if role := self.roles.get(key.replace("-", "_")):
                return self.find(role)
        return self._row_names.get(key)

    def _snapshot(self, key: str) -> ModelInfo | None:
        # A line is no answer here: a dated name means that model, not whatever came after it.
        if found := self._row_names.get(key):
            return found
        shorter = names.without_snapshot(key)
        return None if shorter is None else self._snapshot(shorter)


def _row(row: ModelRow, *, rows: Mapping[str, ModelInfo]) -> ModelInfo:
    if isinstance(row, ModelInfo):
        return row
    base = rows.get(str(row.get("name")))
    if base is None:
        return ModelInfo.model_validate(row)
    rated = {**base.capabilities, **row.get("capabilities", {})}
    return ModelInfo.model_validate({**base.model_dump(), **row, "capabilities": rated})


def _new_names(given: Iterable[ModelInfo], *, rows: Mapping[str, ModelInfo]) -> dict[str, str]:
    """Map the names that rows did not have before, in canonical form, to the rows."""
    found: dict[str, str] = {}
    for row in given:
        known = set(_names(rows[row.name])) if row.name in rows else set[str]()
        found |= {names.canonical(name): row.name for name in _names(row) if name not in known}
    return found


def _names(row: ModelInfo) -> tuple[str, ...]:
    return (row.name, *row.aliases)


def _tuples(chains: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(entries) for name, entries in chains.items()}


def _canonical_keys(aliases: Mapping[str, str]) -> dict[str, str]:
    return {names.canonical(alias): target for alias, target in aliases.items()}
