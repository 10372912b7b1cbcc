"""The access log: one line for each request, once its answer has ended."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from mcp_router.door.visit import KEY, Visit
from mcp_router.logs import ACCESS_LOG, redacted

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(ACCESS_LOG)
_PROBES = frozenset({"/healthz", "/readyz"})
_OK = 200
MAX_PATH_CHARS = 200
_MAX_READ = 4_096
# What is neither here nor a letter or digit is told as %XX: blanks, line breaks, quotes, all of it.
_PLAIN = "/:@!$&()*+,;=~[]"


class AccessLog:
    """Gives every request its id and tells the log of it at its end, if it `writes`.

    Probes come every few seconds, so they are told of only where the answer is not the last one.
    """

    def __init__(self, app: ASGIApp, *, writes: bool) -> None:
        self._app = app
        self._writes = writes
        self._probed: dict[str, int | None] = dict.fromkeys(_PROBES, _OK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and listen."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = scope[KEY] = Visit(f"req_{secrets.token_hex(12)}")
        began = time.perf_counter()

        async def hear() -> Message:
            message = await receive()
            visit.left |= message["type"] == "http.disconnect" and not visit.whole
            return message

        async def tell(message: Message) -> None:
            await send(message)
            visit.note(message)

        try:
            await self._app(scope, hear, tell)
        finally:
            if self._writes and self._is_news(scope, visit):
                _write(scope, visit, ms=round((time.perf_counter() - began) * 1000))

    def _is_news(self, scope: Scope, visit: Visit) -> bool:
        path: str = scope["path"]
        if path not in _PROBES:
            return True
        before, self._probed[path] = self._probed[path], visit.status
        return visit.status != before


def plain_path(path: str) -> str:
    """Write a path as one word of plain characters, without what looks like a secret.

    >>> plain_path("/x y" + chr(10) + "/é")
    '/x%20y%0A/%C3%A9'
    """
    # Before it is cut to what is told: the half of a key no longer looks like one.
    text = quote(redacted(path[:_MAX_READ]), safe=_PLAIN)
    return text if len(text) <= MAX_PATH_CHARS else text[: MAX_PATH_CHARS - 3] + "..."


def _write(scope: Scope, visit: Visit, *, ms: int) -> None:
    client = scope.get("client")
    facts = {
        "method": scope["method"][:12],
        "path": plain_path(scope["path"]),
        "status": visit.status,
        "ms": ms,
        "bytes": 0 if scope["method"] == "HEAD" else visit.sent,
        "ended": visit.ending,
        "client": client[0] if client else None,
        "token": visit.token,
        "decision_id": visit.decision_id,
        "request_id": visit.request_id,
    }
    told = (f"token={visit.token}" if visit.token else "", visit.decision_id, visit.request_id)
    _log.info(
        "%s %s %s from %s: %s in %s ms, %s bytes (%s)",
        *("-" if visit.status is None else visit.status, facts["method"], facts["path"]),
        *(facts["client"] or "?", facts["ended"], ms, facts["bytes"]),
        ", ".join(one for one in told if one),
        extra=facts,
    )
