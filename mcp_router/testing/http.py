"""Just enough HTTP/1.1 for a server whose answers may be broken at any byte."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
CHUNKED_END = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REASONS = {int(status): status.phrase for status in HTTPStatus} | {529: "Overloaded"}
_METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"})


class HttpRequest(NamedTuple):
    """A whole request; header names are in lower case, `target` is the raw path with its query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class HttpProblem(NamedTuple):
    """A request that cannot be served; the connection closes after the answer."""

    status: int
    reason: str


class Head(NamedTuple):
    """A parsed request head and how many bytes it and its body take."""

    method: str
    target: str
    headers: dict[str, str]
    size: int
    length: int


def read_head(buffer: bytes | bytearray) -> Head | HttpProblem | None:
    """Parse the request head at the start of a buffer; None until it is complete."""
    end = buffer.find(b"\r\n\r\n")
    if end > MAX_HEAD or (end < 0 and len(buffer) > MAX_HEAD):
        return HttpProblem(431, f"the request head is over {MAX_HEAD} bytes")
    if end < 0:
        return _early_problem(buffer)
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        return HttpProblem(400, "the request line is not HTTP")
    method, target, version = words
    if version != "HTTP/1.1":
        return HttpProblem(505, "only HTTP/1.1 is spoken here")
    if method not in _METHODS:
        return HttpProblem(501, "the method is unknown")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return HttpProblem(400, "a header line is malformed")
        headers[name.lower()] = value.strip()
    return _with_length(Head(method, target, headers, end + 4, 0))


def _early_problem(buffer: bytes | bytearray) -> HttpProblem | None:
    """Refuse what can no longer become a request line, such as a TLS greeting."""
    start = bytes(buffer[:1])
    if start and not start.isalpha():
        return HttpProblem(400, "this is not HTTP")
    return None


def _with_length(head: Head) -> Head | HttpProblem:
    if "transfer-encoding" in head.headers:
        return HttpProblem(411, "send a Content-Length, not a transfer encoding")
    written = head.headers.get("content-length", "0")
    if not (written.isascii() and written.isdigit()):
        return HttpProblem(400, "the Content-Length is not a number")
    if len(written) > 18 or int(written) > MAX_BODY:
        return HttpProblem(413, f"the body is over {MAX_BODY} bytes")
    return head._replace(length=int(written))


def response_head(
    status: int,
    *,
    content_type: str,
    length: int | None,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Write a response head; without a length the body is chunked."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}",
        f"content-type: {content_type}",
        "transfer-encoding: chunked" if length is None else f"content-length: {length}",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def chunk(data: bytes) -> bytes:
    """Frame bytes as one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)
