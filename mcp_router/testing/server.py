"""FaultServer: providers that fail on demand, on real sockets, on all three wires."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from anyio.from_thread import start_blocking_portal

from mcp_router.testing.behaviours import HEALTHY, Answer, Behaviour, Repeat
from mcp_router.testing.catalogue import QUICK
from mcp_router.testing.connection import Connection
from mcp_router.testing.desk import Call, Desk
from mcp_router.testing.neutral import WireName
from mcp_router.testing.scripts import RandomFaults, RateLimit, Then
from mcp_router.testing.wires import WIRES

if TYPE_CHECKING:
    from types import TracebackType

_BACKLOG = 1024
_ROOTS: Mapping[WireName, str] = {"openai": "/v1", "anthropic": "", "gemini": ""}


class FaultServer:
    """A server on 127.0.0.1 that answers, or fails, as its scripts say.

    Models without a script are healthy. Use it as an async context manager on asyncio, or
    `FaultServer.run_in_thread()` from synchronous code and other event loops.

        async with FaultServer() as server:
            server.script("model-a", [Fault.http(429, retry_after=2), Answer("done")])
            url = server.base_url("openai")
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        healthy: Answer = HEALTHY,
        max_calls: int = 50_000,
    ) -> None:
        """Prepare a server; it listens from `async with` on.

        `api_key` is checked on every request when set. `healthy` is what unscripted models say.
        The last `max_calls` requests are kept.
        """
        self._host = host
        self._port = port
        self._desk = Desk(
            healthy=healthy, api_key=api_key, max_calls=max_calls, on_event=self._wake
        )
        self._waiters: list[tuple[Callable[[FaultServer], bool], asyncio.Future[None]]] = []
        self._server: asyncio.Server | None = None
        self._closed_port: socket.socket | None = None

    async def __aenter__(self) -> FaultServer:
        """Listen; returns when the port accepts connections."""
        loop = asyncio.get_running_loop()
        # Bound but not listening: the port refuses, and nobody else can take it.
        with ExitStack() as undo:
            closed = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            closed.bind((self._host, 0))
            self._server = await loop.create_server(
                lambda: Connection(self._desk, loop), self._host, self._port, backlog=_BACKLOG
            )
            undo.pop_all()
        self._closed_port = closed
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, drop every connection and wait until all are gone."""
        if self._server is None or self._closed_port is None:
            return
        self._closed_port.close()
        await self._stop_accepting(self._server)
        self._server.close()
        for connection in tuple(self._desk.connections):
            connection.abort()
        await self.wait_until(lambda server: not server.connections)
        await self._server.wait_closed()

    async def _stop_accepting(self, server: asyncio.Server) -> None:
        """Let the connections accepted so far reach their protocols, and no more.

        asyncio (seen in 3.11) leaks a socket that it accepted just before `Server.close`: the
        transport is made some turns of the loop later, and then refuses to join a closed server.
        """
        loop = asyncio.get_running_loop()
        # Proactor loops have no readers to remove; there the gap stays.
        with suppress(NotImplementedError):
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)

    @classmethod
    def run_in_thread(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        healthy: Answer = HEALTHY,
    ) -> AbstractContextManager[FaultServer]:
        """Run a server on an event loop of its own, in a thread that ends with the context."""
        return _in_thread(cls(host=host, port=port, api_key=api_key, healthy=healthy))

    def script(
        self,
        model: str,
        behaviours: Sequence[Behaviour | Repeat],
        *,
        then: Then = "repeat last",
        wire: WireName = "openai",
    ) -> None:
        """Say what requests to a model meet, one after the other, and what comes after the last.

        The model answers on every wire; `wire` is where `settings()` places it.
        """
        self._desk.director.write(model, behaviours, then=then, wire=wire)

    def random_faults(
        self, *, rate: float, seed: int = 0, pool: Iterable[Behaviour] | None = None
    ) -> None:
        """Spoil a share of all healthy answers from now on; the seed fixes the sequence.

        The pool is every quick fault (see `catalogue.QUICK`) unless given.
        """
        chosen = QUICK.values() if pool is None else pool
        self._desk.director.random = RandomFaults(rate=rate, seed=seed, pool=chosen)

    def limit_rate(self, model: str, *, requests: int, per_seconds: float = 60.0) -> None:
        """Answer 429 with Retry-After to what goes beyond so many requests in any such span."""
        limit = RateLimit(requests=requests, per_seconds=per_seconds)
        self._desk.director.limits[model] = limit

    def reset(self) -> None:
        """Forget scripts, limits, random faults and recorded calls."""
        self._desk.forget()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def base_url(self, wire: WireName) -> str:
        """Return what a client of this wire takes as its base URL."""
        return f"http://{self._host}:{self._port}{_ROOTS[wire]}"

    def closed_url(self, wire: WireName) -> str:
        """Return a base URL at a port that refuses every connection while the server runs."""
        if self._closed_port is None:
            raise RuntimeError("the server is not running: use `async with FaultServer()`")
        return f"http://{self._host}:{self._closed_port.getsockname()[1]}{_ROOTS[wire]}"

    def settings(self, **fields: object) -> dict[str, Any]:
        """Return providers and models for the router's settings, one model for each script.

        `fields` replace what every model has by default, such as `quality=0.9`.
        """
        providers = {
            f"fault-{name}{suffix}": {"wire": name, "base_url": url(name)}
            for name in WIRES
            for suffix, url in (("", self.base_url), ("-refused", self.closed_url))
        }
        models = {
            model: {
                "provider": f"fault-{script.wire}{'-refused' if script.refuses else ''}",
                "id": model,
                "context": 128_000,
                "price": {"input": 1.0, "output": 2.0},
                "capabilities": {"coding": 7, "reasoning": 7, "tools": 7, "vision": 7},
                "quality": 0.7,
                **fields,
            }
            for model, script in self._desk.director.scripts.items()
        }
        return {"providers": providers, "models": models}

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request received, in order of arrival."""
        return tuple(self._desk.calls)

    @property
    def abandoned(self) -> tuple[Call, ...]:
        """The requests whose client hung up before its answer was over."""
        gone = set(self._desk.abandoned)
        return tuple(call for call in self._desk.calls if call.number in gone)

    @property
    def answered(self) -> int:
        """How many answers, healthy or not, are over."""
        return self._desk.finished

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._desk.connections)

    async def wait_until(self, condition: Callable[[FaultServer], bool]) -> None:
        """Wait until a condition on this server holds; it is looked at after every event.

        Only for the event loop the server runs on.
        """
        if not condition(self):
            done = asyncio.get_running_loop().create_future()
            self._waiters.append((condition, done))
            await done

    def _wake(self) -> None:
        for waiter in tuple(self._waiters):
            condition, done = waiter
            if done.done() or condition(self):
                self._waiters.remove(waiter)
                if not done.done():
                    done.set_result(None)


@contextmanager
def _in_thread(server: FaultServer) -> Generator[FaultServer]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        yield server
