"""The behaviours a fault server can show: healthy answers, faults, and how long they last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from mcp_router.testing.neutral import Asked, Finish
from mcp_router.types import ToolCall, Usage

Place = Literal["before_headers", "mid_headers", "mid_body", "mid_stream"]
Inside = Literal["", "tool_call", "character"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A healthy answer in the wire's public format. All delays are seconds.

    Without `text` the request decides: a tool call where tools are offered and asked for, JSON
    where a schema or JSON mode is given, else `answers.echo` of the last turn. `tool_calls` sets
    the calls by hand; `()` means none. `usage` is counted from the text unless given. `logprob` is
    the logarithm of every token's probability, told where it is asked for; Anthropic has none.

    `header_delay` passes before the status line, `first_delay` before the first event of a
    stream, `chunk_delay` before each further piece of content; a plain answer waits for the sum.
    `segment` cuts a stream into HTTP chunks of that many bytes, across lines and characters.
    """

    text: str | Callable[[Asked], str] | None = None
    _: KW_ONLY
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] | None = None
    usage: Usage | None = None
    finish: Finish = "stop"
    chunks: int = 5
    header_delay: float = 0.0
    first_delay: float = 0.0
    chunk_delay: float = 0.0
    segment: int = 0
    logprob: float = -0.02


HEALTHY = Answer()


class FaultKind(StrEnum):
    """Everything that can go wrong here; `Fault` has one constructor for each."""

    HTTP = "http"
    INVALID_KEY = "invalid_key"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    REFUSED = "refused"
    DISCONNECT = "disconnect"
    SILENCE = "silence"
    CUT = "cut"
    STALL = "stall"
    MALFORMED = "malformed"
    NO_END = "no_end"
    NO_USAGE = "no_usage"
    TRUNCATED = "truncated"
    HTML = "html"
    ERROR_IN_200 = "error_in_200"
    NO_CHOICES = "no_choices"
    EMPTY_BODY = "empty_body"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail. Use the constructors: they take only what the fault knows.

    `after` counts the pieces of content a stream lets through first. A fault made for streams
    does the nearest plain thing to a plain request, and the other way round. `answer` is what
    the fault spoils.
    """

    kind: FaultKind
    answer: Answer = HEALTHY
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    retry_after: str | None = None
    message: str = ""
    variant: str = ""
    wording: str = ""
    after: int = 0
    abrupt: bool = False
    heartbeat: float = 0.0

    @classmethod
    def http(
        cls,
        status: int,
        *,
        retry_after: str | float | datetime | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        message: str = "",
        wording: str = "",
    ) -> Fault:
        """Answer with an error status in the wire's own error format.

        `retry_after` is sent as it is: seconds, text such as "2" or "banana", or a time as an
        HTTP date. `headers` may add others, such as ("retry-after-ms", "1500"). The wording
        "quota" turns a 429 into a spent quota.
        """
        return cls(
            kind=FaultKind.HTTP,
            status=status,
            retry_after=_retry_after(retry_after),
            headers=headers,
            message=message,
            wording=wording,
        )

    @classmethod
    def invalid_key(cls) -> Fault:
        """Refuse the key in the wire's own way, which for Gemini is a 400."""
        return cls(kind=FaultKind.INVALID_KEY, status=401)

    @classmethod
    def context_length(cls, wording: str = "") -> Fault:
        """Say that the prompt is too long, as one provider words it; see `wordings.py`."""
        return cls(kind=FaultKind.CONTEXT_LENGTH, status=400, wording=wording)

    @classmethod
    def content_filter(
        cls, *, at: Literal["prompt", "answer"] = "prompt", wording: str = ""
    ) -> Fault:
        """Refuse the prompt, or break an answer off with the filter as its finish reason."""
        return cls(kind=FaultKind.CONTENT_FILTER, status=400, variant=at, wording=wording)

    @classmethod
    def refused(cls) -> Fault:
        """Refuse the connection: `settings()` sends such a model to a closed port."""
        return cls(kind=FaultKind.REFUSED)

    @classmethod
    def reset(cls, at: Place = "before_headers", *, after: int = 1) -> Fault:
        """Reset the connection (TCP RST) at a place of the answer."""
        return cls(kind=FaultKind.DISCONNECT, variant=at, abrupt=True, after=after)

    @classmethod
    def disconnect(cls, at: Place = "before_headers", *, after: int = 1) -> Fault:
        """Close the connection (TCP FIN) at a place of the answer, before it is whole."""
        return cls(kind=FaultKind.DISCONNECT, variant=at, after=after)

    @classmethod
    def silence(cls) -> Fault:
        """Accept, read the request, and never answer."""
        return cls(kind=FaultKind.SILENCE)

    @classmethod
    def cut(cls, *, after: int = 2, inside: Inside = "", answer: Answer = HEALTHY) -> Fault:
        """End a stream cleanly, as HTTP sees it, without finish reason and end marker.

        `inside` cuts within the first tool call, or within a character of two or more bytes.
        """
        return cls(kind=FaultKind.CUT, after=after, variant=inside, answer=answer)

    @classmethod
    def stall(cls, *, after: int = 2, heartbeat: float = 0.0, answer: Answer = HEALTHY) -> Fault:
        """Fall silent in the middle and stay connected; `heartbeat` is seconds between pings."""
        return cls(kind=FaultKind.STALL, after=after, heartbeat=heartbeat, answer=answer)

    @classmethod
    def malformed(cls, *, after: int = 1) -> Fault:
        """Put one event that is not JSON into an otherwise healthy stream."""
        return cls(kind=FaultKind.MALFORMED, after=after)

    @classmethod
    def no_end(cls) -> Fault:
        """Leave the end marker out: [DONE], message_stop, or Gemini's last chunk."""
        return cls(kind=FaultKind.NO_END)

    @classmethod
    def no_usage(cls) -> Fault:
        """Answer without token counts."""
        return cls(kind=FaultKind.NO_USAGE)

    @classmethod
    def truncated(cls) -> Fault:
        """Send JSON that stops half-way, with a Content-Length that agrees."""
        return cls(kind=FaultKind.TRUNCATED, after=1)

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """Answer with a web page, as a proxy or a captive portal does."""
        return cls(kind=FaultKind.HTML, status=status)

    @classmethod
    def error_in_200(cls, *, after: int = 0, status: int = 503) -> Fault:
        """Put an error object into a 200; in a stream after some pieces of content.

        `status` is the error the object tells of.
        """
        return cls(kind=FaultKind.ERROR_IN_200, after=after, status=status)

    @classmethod
    def no_choices(cls) -> Fault:
        """Answer 200 with an empty list where the answer should be."""
        return cls(kind=FaultKind.NO_CHOICES)

    @classmethod
    def empty_body(cls) -> Fault:
        """Answer 200 with no bytes at all."""
        return cls(kind=FaultKind.EMPTY_BODY)

    @classmethod
    def garbage(cls, at: Literal["body", "connection"] = "body") -> Fault:
        """Send bytes that are no JSON (body), or no HTTP (connection)."""
        return cls(kind=FaultKind.GARBAGE, variant=at)


Behaviour: TypeAlias = Answer | Fault


@dataclass(frozen=True, slots=True)
class Repeat:
    """Show a behaviour so many times, or for so many seconds from its first use, or for ever."""

    behaviour: Behaviour
    _: KW_ONLY
    times: int | None = None
    seconds: float | None = None


def huge(size: int = 10_000_000) -> Answer:
    """Answer with a text of `size` bytes."""
    return Answer("0123456789abcdef" * (size // 16) + "x" * (size % 16))


def _retry_after(value: str | float | datetime | None) -> str | None:
    if isinstance(value, datetime):
        return format_datetime(value, usegmt=True)
    return f"{value:g}" if isinstance(value, int | float) else value
