"""Constraints from several places made one: settings, task type and request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mcp_router.errors import InvalidRequestError
from mcp_router.types import Constraints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_router.catalog.catalog import Catalog

_Item = TypeVar("_Item")


def merged(*layers: Constraints) -> Constraints:
    """Combine layers, later ones first: a later limit replaces, what is denied or required adds up.

    A request may thus loosen a limit of the settings but not lift what they deny.
    """
    values: dict[str, object] = {}
    for layer in layers:
        values |= {name: getattr(layer, name) for name in layer.model_fields_set}
    together = {
        "requires": _unique(one for layer in layers for one in layer.requires),
        "prefers": _unique(one for layer in layers for one in layer.prefers),
        "deny_models": _unique(one for layer in layers for one in layer.deny_models),
        "deny_providers": _unique(one for layer in layers for one in layer.deny_providers),
    }
    return Constraints.model_validate({**values, **together})


def resolved(constraints: Constraints, *, catalog: Catalog) -> Constraints:
    """Replace aliases in `models` and `deny_models` by the names of the models they stand for.

    Raises:
        UnknownModelError: a name that is no model or alias.
        InvalidRequestError: a provider that is not in the catalogue.
    """
    for field in ("providers", "deny_providers"):
        for name in getattr(constraints, field):
            if name not in catalog.providers:
                known = ", ".join(sorted(catalog.providers))
                problem = f"there is no provider {name[:40]!r}"
                raise InvalidRequestError(field=field, problem=problem, hint=f"Known: {known}.")
    if not constraints.models and not constraints.deny_models:
        return constraints
    return constraints.model_copy(
        update={
            "models": tuple(catalog.resolve(name).name for name in constraints.models),
            "deny_models": tuple(catalog.resolve(name).name for name in constraints.deny_models),
        }
    )


def _unique(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))
