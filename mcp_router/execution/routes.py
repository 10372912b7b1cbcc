"""Routes: the places where a model is served, each with its key and its circuit breaker."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.providers.wire import Target
from mcp_router.storage.breaker import BreakerKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Deployment, Settings
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

    def _find(self, model: ModelInfo) -> tuple[Route, ...]:
        deployments = self._deployments.get(model.name, ())
        if not deployments:
            return (self._route(model),)
        return tuple(
            self._route(
                model.model_copy(update={"provider": one.provider, "id": one.id or model.id}),
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


def _same_provider(deployments: tuple[Deployment, ...], one: Deployment) -> bool:
    return sum(other.provider == one.provider for other in deployments) > 1
