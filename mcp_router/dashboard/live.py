"""Serves the page to this machine's browser only, and tells it what is new.

The address holds a random token, since other users and programs of the machine reach the port as
well. Requests under another host name are refused (a web page may let its own name point here),
and so are those that another site makes.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from mcp_router.dashboard.page import content, page, policy
from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mcp_router.reporting.values import Report

HOST = "127.0.0.1"
DEFAULT_PORT = 8788
_TOKEN_BYTES = 18
_IDLE_SECONDS = 30
_STATE = "state.json"
# A bookmark or a link from a terminal is "none".
_OWN_SITES = frozenset({"none", "same-origin"})


class PortTakenError(RouterError):
    """Something else listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} cannot be listened on: it is taken, or not allowed.",
            hint="Choose another with --port, or any free one with --port 0.",
        )


class Source(NamedTuple):
    """Where the figures come from: `revision` is quick and changes when `report` would."""

    revision: Callable[[], str]
    report: Callable[[], Report]


class Answer(NamedTuple):
    """What a request gets: a status, and text of a kind."""

    status: HTTPStatus
    body: str = ""
    kind: str = "text/plain"


_NOTHING = Answer(HTTPStatus.NOT_FOUND, "There is nothing here.")


class Dashboard:
    """A dashboard on a port of this machine, at `url`; a context manager that gives it back."""

    def __init__(self, source: Source, *, port: int = DEFAULT_PORT) -> None:
        """Listen on a port, 0 for any free one.

        Raises:
            PortTakenError: the port is not free.
        """
        self._base = f"/{secrets.token_urlsafe(_TOKEN_BYTES)}/"
        self._source = source
        # One report at a time: a second browser must not double the work.
        self._lock = threading.Lock()
        try:
            self._server = _Server((HOST, port), _handler(self))
        except (OSError, OverflowError) as error:
            raise PortTakenError(port) from error
        self.port = self._server.server_port
        self.hosts = frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    @property
    def url(self) -> str:
        """The address of the page, token included."""
        return f"http://{HOST}:{self.port}{self._base}"

    def serve(self) -> None:
        """Answer requests until `stop` is called from another thread, or Ctrl-C."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Make `serve` return; it must be running in another thread."""
        self._server.shutdown()

    def answer(self, target: str) -> Answer:
        """Answer a request for a path and query.

        Raises:
            RouterError: the figures could not be read.
        """
        try:
            address = urlsplit(target)
        except ValueError:
            return _NOTHING
        # In constant time: how much of the token was right must not show.
        if secrets.compare_digest(address.path.encode(), self._base.encode()):
            with self._lock:
                return Answer(HTTPStatus.OK, page(self._source.report(), live=True), "text/html")
        if secrets.compare_digest(address.path.encode(), f"{self._base}{_STATE}".encode()):
            return self._news(parse_qs(address.query).get("revision", [""])[0])
        return _NOTHING

    def __enter__(self) -> Self:
        """Return the dashboard, which listens already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the port back."""
        self._server.server_close()

    def _news(self, known: str) -> Answer:
        with self._lock:
            if self._source.revision() == known:
                return Answer(HTTPStatus.NOT_MODIFIED)
            report = self._source.report()
            news = {"revision": report.revision, "content": content(report)}
        return Answer(HTTPStatus.OK, json.dumps(news), "application/json")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Let a browser that went away go in silence."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(dashboard: Dashboard) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_SECONDS
        server_version = "mcp-router"
        sys_version = ""

        def do_GET(self) -> None:
            if self.headers.get("Host", "") not in dashboard.hosts or self._is_foreign():
                self._send(Answer(HTTPStatus.FORBIDDEN, "Only this machine's own browser."))
                return
            try:
                self._send(dashboard.answer(self.path))
            except RouterError as error:
                self._send(Answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error)))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet: the address holds the token."""

        def _is_foreign(self) -> bool:
            origin = self.headers.get("Origin")
            site = self.headers.get("Sec-Fetch-Site", "none")
            own = {f"http://{host}" for host in dashboard.hosts}
            return (origin is not None and origin not in own) or site not in _OWN_SITES

        def _send(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in _headers(answer, length=len(body)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _headers(answer: Answer, *, length: int) -> dict[str, str]:
    return {
        "Content-Type": f"{answer.kind}; charset=utf-8",
        "Content-Length": str(length),
        "Content-Security-Policy": f"{policy(live=True)}; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
