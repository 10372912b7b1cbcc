"""What the field `model` may say: auto, a strategy, a chain, or a model; and the list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.errors import InvalidRequestError
from mcp_router.types import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_router.access.grant import Grant
    from mcp_router.door.shapes import Dialect
    from mcp_router.router import Router
    from mcp_router.types import ModelInfo

AUTO = "auto"
_MAX_CHARS = 200


class Wanted(NamedTuple):
    """Which models a request is for: a strategy chooses among all, or a chain names them."""

    strategy: Strategy | None = None
    chain: str = ""


def wanted(name: str) -> Wanted:
    """Read the field.

    Raises:
        InvalidRequestError: it is empty or too long, or names no strategy after "auto:".
    """
    text = name.strip()
    if not text or len(text) > _MAX_CHARS:
        problem = 'is no name; say "auto" to have one chosen'
        raise InvalidRequestError(field="model", problem=problem)
    first, mark, rest = text.lower().replace("-", "_").partition(":")
    if first == AUTO and not mark:
        return Wanted()
    if first == AUTO or text.lower().replace("-", "_") in set(Strategy):
        word = rest if first == AUTO else first
        if word not in set(Strategy):
            known = ", ".join(f"auto:{one}" for one in Strategy)
            raise InvalidRequestError(
                field="model", problem="names no strategy", hint=f"There are {known}."
            )
        return Wanted(strategy=Strategy(word))
    return Wanted(chain=text)


def listed(router: Router, grant: Grant) -> list[tuple[str, str, ModelInfo | None]]:
    """List every name with who owns it: those we choose by, chains, and models with a key."""
    names: list[tuple[str, str, ModelInfo | None]] = [(AUTO, "mcp-router", None)]
    names += [(f"{AUTO}:{one}", "mcp-router", None) for one in Strategy]
    allowed = {router.catalog.resolve(name).name for name in grant.models}
    models = list(_models(router, allowed))
    there = {one.name for one in models}
    for name in router.catalog.chains:
        if there & {one.name for one in router.catalog.chain(name)}:
            names.append((name, "mcp-router", None))
    return [*names, *((one.name, one.provider, one) for one in models)]


def _models(router: Router, allowed: set[str]) -> Iterator[ModelInfo]:
    today = router.now().date()
    for model in router.catalog.models:
        retired = model.retires_on is not None and model.retires_on <= today
        usable = model.provider in router.usable_providers and not retired
        if usable and (not allowed or model.name in allowed):
            yield model


def model_row(
    name: str, owner: str, model: ModelInfo | None, *, dialect: Dialect
) -> dict[str, Any]:
    """Write one entry of the list in a dialect."""
    day = model.released if model is not None else None
    if dialect == "anthropic":
        created = f"{day.isoformat() if day else '1970-01-01'}T00:00:00Z"
        label = model.label if model is not None else name
        return {"type": "model", "id": name, "display_name": label, "created_at": created}
    seconds = (day.toordinal() - 719_163) * 86_400 if day else 0
    return {"id": name, "object": "model", "created": seconds, "owned_by": owner}


def model_list(rows: list[dict[str, Any]], *, dialect: Dialect) -> dict[str, Any]:
    """Write the list in a dialect."""
    if dialect == "anthropic":
        ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {}
        return {"data": rows, "has_more": False, "first_id": None, "last_id": None, **ends}
    return {"object": "list", "data": rows}
