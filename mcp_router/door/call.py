"""One call at the door: who makes it, with what body, and how it is answered or given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import anyio

from mcp_router.access.grant import ForbiddenError, demand
from mcp_router.door.faults import fault_of
from mcp_router.door.reply import Caller, refuse
from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from starlette.types import Receive, Send
    from starlette.types import Scope as AsgiScope

    from mcp_router.access.grant import Grant
    from mcp_router.door.visit import Visit
    from mcp_router.storage.tokens import Scope

KEY = "mcp_router.call"
"""Where the guard leaves the call in the scope of a request."""

Result = TypeVar("Result")


class Call(NamedTuple):
    """A call that was let in; `receive` tells from now on only that the client has gone."""

    caller: Caller
    grant: Grant
    body: bytes
    receive: Receive
    send: Send
    visit: Visit


Serve = Callable[[Call], Awaitable[None]]


class Endpoint:
    """Serves calls of at least one scope, and tells the errors of the router in their dialect."""

    def __init__(self, serve: Serve, *, needs: Scope) -> None:
        self._serve = serve
        self._needs: Scope = needs

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve the call that the guard let in."""
        del receive, send
        call: Call = scope[KEY]
        try:
            demand(self._needs)
            await self._serve(call)
        except RouterError as error:
            await refuse(
                call.send, fault_of(error), caller=call.caller, headers=_challenge(error, self)
            )

    @property
    def needs(self) -> Scope:
        """The scope that a token must have."""
        return self._needs


async def unless_gone(receive: Receive, work: Callable[[], Awaitable[Result]]) -> Result | None:
    """Do the work; cancel it and return None once the client hangs up.

    Raises:
        RouterError: as the work raises.
    """
    answer: tuple[Result] | RouterError | None = None

    async def watch(scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch, group.cancel_scope)
        try:
            answer = (await work(),)
        except RouterError as error:
            # Raised in here, it would leave the group as an exception group.
            answer = error
        group.cancel_scope.cancel()
    if isinstance(answer, RouterError):
        raise answer
    return None if answer is None else answer[0]


def _challenge(error: RouterError, endpoint: Endpoint) -> dict[str, str]:
    if not isinstance(error, ForbiddenError):
        return {}
    return {"www-authenticate": f'Bearer error="insufficient_scope", scope="{endpoint.needs}"'}
