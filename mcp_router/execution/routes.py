"""Routes: the places where a model is served, each with its key and its circuit breaker."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.config.rows import prices_of
from mcp_router.providers.wire import Target
from mcp_router.storage.breaker import BreakerKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Deployment, Settings
    from mcp_router.storage.circuit import Verdict
    from mcp_router.types import ModelInfo


class Route(NamedTuple):
    """One place to send a request to; `weight` is its share among the routes of its model."""

    target: Target
    key: BreakerKey
    weight: float = 1.0

    @property
    def model(self) -> ModelInfo:
        """The model as it is served here."""
        return self.target.model

    @property
    def provider(self) -> str:
        """The name of the provider."""
        return self.target.provider.name


class Routes:
    """Finds the routes of a model; keys are read from `environ` on first use."""

    def __init__(self, catalog: Catalog, *, settings: Settings, environ: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._environ = environ
        self._deployments: dict[str, tuple[Deployment, ...]] = {
            catalog.resolve(name).name: table.deployments
            for name, table in settings.models.items()
            if table.deployments
        }
        self._known: dict[str, tuple[Route, ...]] = {}

    def of(self, name: str) -> tuple[Route, ...]:
        """List the routes of a model in the order of the settings; one without deployments.

        Raises:
            UnknownModelError: nothing is called so.
        """
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._find(self._catalog.resolve(name))
        return known

    def blocked(self, sick: Mapping[BreakerKey, Verdict]) -> dict[str, int]:
        """Name the models that no route leads to now, soonest first, with when one will (UTC ms).

        `sick` are all keys that let no call pass.
        """
        # A key names its model, before an "@" where routes of one provider are told apart.
        names = {part for key in sick for part in (key.model, key.model.rpartition("@")[0])}
        until: dict[str, int] = {}
        for model in self._catalog.models:
            if model.name not in names:
                continue
            verdicts = [sick.get(route.key) for route in self.of(model.name)]
            waits = [one.until for one in verdicts if one is not None]
            if len(waits) == len(verdicts):
                until[model.name] = min(waits)
        return dict(sorted(until.items(), key=lambda item: item[1]))

    def _find(self, model: ModelInfo) -> tuple[Route, ...]:
        deployments = self._deployments.get(model.name, ())
        if not deployments:
            return (self._route(model),)
        return tuple(
            self._route(
                model.model_copy(update=_own_fields(one)),
                weight=one.weight,
                told_apart=one.id if _same_provider(deployments, one) else None,
            )
            for one in deployments
        )

    def _route(
        self, model: ModelInfo, *, weight: float = 1.0, told_apart: str | None = None
    ) -> Route:
        provider = self._catalog.providers[model.provider]
        variable = provider.api_key_env
        secret = (self._environ.get(variable) or "").strip() if variable else ""
        # Two deployments at one provider fail apart, so each has a circuit of its own.
        named = f"{model.name}@{told_apart}" if told_apart else model.name
        key = BreakerKey(provider.name, named, fingerprint(secret))
        return Route(Target(model, provider, secret or None), key, weight)


def fingerprint(secret: str) -> str:
    """Tell keys apart without keeping them; "" for none."""
    if not secret:
        return ""
    return hashlib.blake2b(secret.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _own_fields(deployment: Deployment) -> dict[str, object]:
    """List what a model is otherwise at one deployment."""
    fields: dict[str, object] = {"provider": deployment.provider}
    if deployment.id is not None:
        fields["id"] = deployment.id
    if deployment.price is not None:
        fields["prices"] = prices_of(deployment.price)
    return fields


def _same_provider(deployments: tuple[Deployment, ...], one: Deployment) -> bool:
    return sum(other.provider == one.provider for other in deployments) > 1
