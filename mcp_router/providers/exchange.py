"""One HTTP exchange with a provider: what is sent, and the bytes that come back, within limits."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from mcp_router.errors import ProviderError
from mcp_router.providers.address import address_of
from mcp_router.providers.deadlines import Deadlines, socket_timeout, timed_out
from mcp_router.providers.failures import (
    FailedAnswer,
    failed_answer,
    malformed,
    unreachable,
    unsendable,
)
from mcp_router.providers.logprobs import refuses_logprobs, withdraw_logprobs
from mcp_router.providers.pool import ConnectionPool
from mcp_router.providers.reading import decode
from mcp_router.providers.usage import usage_of
from mcp_router.providers.verdict import UNREADABLE, check_finish, verdict
from mcp_router.providers.wire import Call, Reply, Target
from mcp_router.providers.wires import WIRES, written
from mcp_router.version import __version__

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER_BYTES = 32 * 1024 * 1024
USER_AGENT = f"mcp-model-router/{__version__}"
_MAX_FAILURE_BYTES = 64 * 1024


async def greet(pool: ConnectionPool, target: Target, *, deadlines: Deadlines) -> None:
    """Open a connection to a provider, or find one open, without a key and without a call.

    Whatever is answered will do.

    Raises:
        ProviderError: it cannot be reached.
    """
    import httpx2

    limit = deadlines.connect
    try:
        request = httpx2.Request(
            "HEAD",
            address_of(target.provider.base_url),
            headers={"user-agent": USER_AGENT},
            extensions={"timeout": {"connect": limit, "pool": limit, "read": deadlines.total}},
        )
    except (httpx2.InvalidURL, UnicodeEncodeError) as error:
        raise unsendable(target) from error
    response = await _sent(pool, request, target=target, deadlines=deadlines)
    try:
        # Only a connection whose answer was read to its end is kept; this one has no body.
        async for _ in chunks_of(response):
            pass
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        raise unreachable(target, error) from error
    finally:
        await response.aclose()


async def _sent(
    pool: ConnectionPool, request: httpx2.Request, *, target: Target, deadlines: Deadlines
) -> httpx2.Response:
    import httpx2

    try:
        return await pool.send(request)
    except (httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise timed_out(target, "connect", deadlines) from error
    except httpx2.ReadTimeout as error:
        raise timed_out(target, "first_token", deadlines) from error
    except httpx2.UnsupportedProtocol as error:
        raise unsendable(target) from error
    except httpx2.TransportError as error:
        raise unreachable(target, error) from error


class Exchange:
    """One call to one target: the request, and what is read of the answer.

    Attributes:
        shy: whether the model refused to tell token probabilities, and was asked without them.

    Raises:
        InvalidRequestError, ProviderError: the call cannot be written on this wire.
    """

    def __init__(
        self,
        target: Target,
        call: Call,
        *,
        stream: bool,
        deadlines: Deadlines,
        now: Callable[[], datetime],
    ) -> None:
        self.shy = False
        self._target = target
        self._stream = stream
        self._prepared = written(target, call, stream=stream)
        self._deadlines = deadlines
        self._now = now

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was changed in the call to fit the model."""
        return self._prepared.warnings

    async def post(self, pool: ConnectionPool) -> bytes:
        """Send the request and read the whole body of a successful answer.

        Raises:
            ProviderError: it could not be sent, failed, was cut or is too large.
        """
        response = await self.open(pool)
        try:
            return await self.body(response)
        finally:
            await response.aclose()

    def read(self, body: bytes) -> Reply:
        """Read a whole answer.

        Raises:
            ProviderError: it is a web page, a failure sent as a success, cut or filtered.
        """
        target = self._target
        if body.lstrip()[:1] == b"<":
            problem = "the answer is HTML, not JSON"
            raise malformed(target, problem, hint="Is base_url right?")
        answer: object = None
        try:
            answer = decode(body)
            reply = WIRES[target.provider.wire].parse(answer, provider=target.provider.name)
            empty = not reply.content and not reply.tool_calls
            check_finish(target, reply.finish_reason, empty=empty)
        except UNREADABLE as fault:
            error = verdict(target, fault)
            error.usage = usage_of(target.provider.wire, answer)
            raise error from None
        except ProviderError as error:
            error.usage = usage_of(target.provider.wire, answer)
            raise
        return reply._replace(warnings=self._prepared.warnings + reply.warnings)

    async def open(self, pool: ConnectionPool) -> httpx2.Response:
        """Send the request and wait for the head of a successful answer.

        Raises:
            ProviderError: it could not be sent, or failed.
        """
        import httpx2

        try:
            request = self._request()
        except (httpx2.InvalidURL, UnicodeEncodeError) as error:
            raise unsendable(self._target) from error
        response = await _sent(pool, request, target=self._target, deadlines=self._deadlines)
        if response.is_success:
            return response
        try:
            failed = await self._failed(response)
        finally:
            await response.aclose()
        refused = refuses_logprobs(status=failed.status, body=failed.body)
        if not refused or not withdraw_logprobs(self._prepared.json):
            raise failed_answer(self._target, failed, now=self._now())
        # Whoever asked can do without them, but not without an answer.
        self.shy = True
        return await self.open(pool)

    def _request(self) -> httpx2.Request:
        import httpx2

        body = json.dumps(
            self._prepared.json, ensure_ascii=False, separators=(",", ":"), default=dict
        )
        headers = {
            "accept": "text/event-stream" if self._stream else "application/json",
            # A packed answer saves little, delays tokens, and can be a bomb.
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            **self._prepared.headers,
            **{name.lower(): one for name, one in self._target.provider.headers.items()},
        }
        timeout = {
            "connect": self._deadlines.connect,
            "pool": self._deadlines.connect,
            "read": socket_timeout(self._deadlines) if self._stream else None,
        }
        return httpx2.Request(
            "POST",
            address_of(self._prepared.url),
            headers=headers,
            # Half a surrogate pair is not text; a question mark for it is better than a crash.
            content=body.encode("utf-8", "replace"),
            extensions={"timeout": timeout},
        )

    async def body(self, response: httpx2.Response) -> bytes:
        """Read the whole body of an answer.

        Raises:
            ProviderError: it was cut or is too large.
        """
        import httpx2

        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in chunks_of(response):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise malformed(self._target, f"the answer passes {MAX_ANSWER_BYTES} bytes")
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise malformed(self._target, "the answer was cut") from error
        return b"".join(chunks)

    async def _failed(self, response: httpx2.Response) -> FailedAnswer:
        import httpx2

        body = b""
        try:
            async for chunk in chunks_of(response):
                body += chunk
                if len(body) > _MAX_FAILURE_BYTES:
                    break
        except (httpx2.TransportError, httpx2.DecodingError):
            # The status says enough.
            pass
        headers = {name.lower(): one for name, one in response.headers.items()}
        return FailedAnswer(response.status_code, headers, body[:_MAX_FAILURE_BYTES])


def chunks_of(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """Give the bytes of a body as they come, unpacked where a server packs them unasked."""
    stream = response.stream
    # The response's own iterator is two more generators around each chunk.
    chunks = aiter(stream) if isinstance(stream, AsyncIterable) else None
    if "content-encoding" in response.headers or not isinstance(chunks, AsyncGenerator):
        return response.aiter_bytes()
    return cast("AsyncGenerator[bytes]", chunks)
