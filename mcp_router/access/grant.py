"""A grant: for whom a call is made, and what it may do; carried by the context of the call."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import InvalidRequestError, RouterError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from mcp_router.access.meter import Meter
    from mcp_router.catalog.catalog import Catalog
    from mcp_router.storage.tokens import Scope
    from mcp_router.types import BudgetStatus, Constraints, Request


class ForbiddenError(RouterError):
    """A token does not allow what was asked with it."""


class IssuerUnavailableError(RouterError):
    """Whoever issued a token cannot be asked about it, so nobody is let in with it."""


class Grant(NamedTuple):
    """What the bearer of a token may do.

    Attributes:
        name: of the token; its requests carry it as the tag `token`.
        scope: read, execute or admin.
        models: the only models it may have; empty for all.
        requests_per_minute: None for no limit.
        tokens_per_minute: None for no limit.
    """

    name: str
    scope: Scope
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def allows(self, scope: Scope) -> bool:
        """Say whether it includes a scope."""
        from mcp_router.storage.tokens import SCOPES

        return SCOPES.index(scope) <= SCOPES.index(self.scope)


class Acting(NamedTuple):
    """A grant in use, and what counts its tokens per minute."""

    grant: Grant
    meter: Meter


_ACTING: ContextVar[Acting | None] = ContextVar("acting", default=None)


@contextmanager
def acting(grant: Grant, *, meter: Meter) -> Generator[None]:
    """Make what is called meanwhile a call of this grant."""
    token = _ACTING.set(Acting(grant, meter))
    try:
        yield
    finally:
        _ACTING.reset(token)


def current() -> Acting | None:
    """Return for whom this call is made; None for the person whose machine it is."""
    return _ACTING.get()


def demand(scope: Scope) -> None:
    """Refuse a call that needs more than its grant gives.

    Raises:
        ForbiddenError: it does.
    """
    found = current()
    if found is not None and not found.grant.allows(scope):
        raise ForbiddenError(
            f"The token {found.grant.name!r} may only {found.grant.scope}; this needs {scope}.",
            hint=f"Ask for a token with the scope {scope}.",
        )


def granted(request: Request, *, catalog: Catalog) -> Request:
    """Mark a request as one of the present grant, and keep it to the models that this allows.

    Raises:
        ForbiddenError: it asks only for models that the grant does not allow.
        UnknownModelError: it names a model that does not exist.
    """
    found = current()
    if found is None:
        return request
    # The store is loaded only where somebody else's call shows that it is open.
    from mcp_router.storage.tokens import TAG

    grant = found.grant
    if TAG in request.tags:
        raise InvalidRequestError(field="tags", problem=f"may not hold {TAG!r}")
    changes: dict[str, object] = {"tags": {**request.tags, TAG: grant.name}}
    if grant.models:
        changes["constraints"] = _narrowed(request, grant, catalog=catalog)
    return request.model_copy(update=changes)


def visible(budgets: Iterable[BudgetStatus]) -> tuple[BudgetStatus, ...]:
    """Leave out the budgets of other tokens, except for one that may administer."""
    found = current()
    if found is None or found.grant.allows("admin"):
        return tuple(budgets)
    from mcp_router.storage.tokens import TAG, token_tag

    mine = token_tag(found.grant.name)
    return tuple(
        one
        for one in budgets
        if not one.name.startswith(f"{TAG}=") or one.name.partition(" ")[0] == mine
    )


def _narrowed(request: Request, grant: Grant, *, catalog: Catalog) -> Constraints:
    allowed = dict.fromkeys(catalog.resolve(name).name for name in grant.models)
    asked = [catalog.resolve(name).name for name in request.constraints.models]
    left = tuple(name for name in allowed if not asked or name in asked)
    wanted = {one.name for one in catalog.chain(request.chain)} if request.chain else set(left)
    if not wanted & {*left}:
        raise ForbiddenError(
            f"The token {grant.name!r} does not allow this model.",
            hint=f"It allows: {', '.join(allowed)}.",
        )
    given = request.constraints
    fields = {name: getattr(given, name) for name in given.model_fields_set}
    return type(given).model_validate({**fields, "models": left})
