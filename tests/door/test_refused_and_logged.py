"""Attacks as raw bytes: each is refused, told in the log without secrets, and costs nothing."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from mcp_router.storage.tokens import new_secret
from tests.door.house import HELLO, House, Served, read_all, until

CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m-a", "messages": HELLO}
WHOLE = json.dumps(BODY).encode()
SECRET = "hunter2"
UNKNOWN = new_secret()
SQL = "x');%20DROP%20TABLE%20access_tokens;%20--"


class Tokens(NamedTuple):
    """One token of each sort, by its secret."""

    good: str
    reader: str
    revoked: str
    expired: str
    narrow: str


@pytest.fixture(scope="module")
def house(house: House) -> House:
    house.http = {"header_ms": 600, "body_ms": 600, "max_body_bytes": 40_000}
    return house


@pytest.fixture(scope="module")
def tokens(house: House, served: Served) -> Tokens:
    house.serve("n-a")
    revoked = house.token("revoked")
    assert house.run("token", "revoke", "revoked").returncode == 0
    return Tokens(
        house.token("good"),
        house.token("reader", "read"),
        revoked,
        house.token("expired", expires_ms=1),
        house.token("narrow", models=("n-a",)),
    )


@pytest.fixture(autouse=True)
def it_costs_nothing_and_no_secret_is_logged(
    house: House, served: Served, tokens: Tokens
) -> Iterator[None]:
    before = len(house.faults.calls)
    yield
    log = served.logged()
    for secret in (*tokens, UNKNOWN, SECRET, "Say hello", "Traceback", "Exception"):
        assert secret not in log
    assert len(house.faults.calls) == before
    assert house.held() == []


def request(
    token: str = "",
    *more: str,
    method: str = "POST",
    path: str = CHAT,
    host: str = "localhost",
    body: bytes | None = WHOLE,
    length: bool = True,
) -> bytes:
    """Write a request as bytes; `more` are further lines of its head."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Cookie: session={SECRET}"]
    lines += ["Connection: close", *more]
    lines += [f"Authorization: Bearer {token}"] if token else []
    if body is not None:
        lines += ["Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def refused(served: Served, *pieces: bytes, status: int, told: str) -> bytes:
    """Send it, and wait for the line of the log that says why it was refused."""
    before = len(served.log)
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        for piece in pieces:
            link.sendall(piece)
        answer = read_all(link)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert SECRET.encode() not in answer
    until(lambda: any(_tells(line, status, told) for line in served.log[before:]))
    return answer


def _tells(line: str, status: int, told: str) -> bool:
    return line.startswith(f"mcp-router: {status} ") and told in line and "127.0.0.1" in line


@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/mcp", "/v1/models", "/metrics"])
def test_whoever_has_no_token_or_a_wrong_one(served: Served, tokens: Tokens, path: str) -> None:
    for token, told in (
        ("", "missing_token"),
        (UNKNOWN, "invalid_token"),
        (tokens.good[:-1], "invalid_token"),
        (tokens.revoked, "invalid_token"),
        (tokens.expired, "invalid_token"),
    ):
        refused(served, request(token, path=path), status=401, told=told)


def test_a_scope_or_a_model_that_a_token_lacks(served: Served, tokens: Tokens) -> None:
    for token in (tokens.reader, tokens.narrow):
        refused(served, request(token), status=403, told="insufficient_scope")


def test_what_is_too_long(served: Served, tokens: Tokens) -> None:
    good = tokens.good
    long = json.dumps({**BODY, "user": "x" * 50_000}).encode()
    refused(served, request(good, body=long), status=413, told="request_too_large")
    chunks = b"".join(b"3e8\r\n" + b"x" * 1_000 + b"\r\n" for _ in range(45)) + b"0\r\n\r\n"
    chunked = request(good, "Transfer-Encoding: chunked", length=False, body=b"") + chunks
    refused(served, chunked, status=413, told="request_too_large")
    tiny = request(good, "Transfer-Encoding: chunked", length=False, body=b"")
    refused(served, tiny + b"1\r\n{\r\n" * 45_000, status=413, told="request_too_large")


@pytest.mark.parametrize(
    "more",
    [
        [f"X-{number}: 1" for number in range(200)],
        [f"X-{number}: 1" for number in range(9_000)],
        [f"X-Long: {SECRET}{'a' * 60_000}"],
    ],
    ids=["many", "very many", "long"],
)
@pytest.mark.parametrize("known", [True, False])
def test_headers_that_are_too_many_or_too_long(
    served: Served, tokens: Tokens, more: list[str], known: bool
) -> None:
    attack = request(tokens.good if known else "", *more)
    refused(served, attack, status=431, told="headers_too_large")


def test_an_address_that_is_too_long(served: Served, tokens: Tokens) -> None:
    attack = request(tokens.good, method="GET", path=f"/{'a' * 60_000}?key={SECRET}", body=None)
    refused(served, attack, status=431, told="headers_too_large")


def test_who_dribbles(served: Served, tokens: Tokens) -> None:
    before = len(served.log)
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(request(tokens.good)[:90])
        assert read_all(link) == b""
    until(lambda: "Dropped 127.0.0.1: its request did not come" in "".join(served.log[before:]))
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(request(tokens.good)[:-5])
        assert read_all(link).startswith(b"HTTP/1.1 408 ")
    until(lambda: "request_too_slow" in "".join(served.log[before:]))


NOT_CLEAN = "its request is no clean HTTP"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["Content-Length: 5", "Content-Length: 6"], NOT_CLEAN),
        (["Content-Length: 5, 6"], NOT_CLEAN),
        (["Content-Length: -5"], NOT_CLEAN),
        (["Content-Length: 0x5"], NOT_CLEAN),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], "ambiguous_length"),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], "ambiguous_length"),
        (["Transfer-Encoding: \x0bchunked"], NOT_CLEAN),
        (["Transfer-Encoding : chunked"], NOT_CLEAN),
        (["Content-Length: 5", f"Authorization: Bearer {SECRET}"], "duplicate_header"),
        (["Content-Length: 5", "Host: evil.example"], NOT_CLEAN),
        (["Content-Length: 5", "Content-Type: application/json"], "duplicate_header"),
        (["Content-Length: 5", f"X-Nul: a\x00{SECRET}"], NOT_CLEAN),
        (["Content-Length: 5", f"X-Bare: a\r{SECRET}"], NOT_CLEAN),
        ([f" folded: {SECRET}", "Content-Length: 5"], NOT_CLEAN),
        (["Content-Length:\r\n 5\r\n 6"], NOT_CLEAN),
    ],
)
def test_heads_that_two_readers_would_read_differently(
    served: Served, tokens: Tokens, lines: list[str], told: str
) -> None:
    # A line that is folded before all others has none that it could belong to.
    start = request(tokens.good, *lines, length=False, body=b"").removesuffix(b"\r\n")
    if lines[0].startswith(" "):
        start = request().split(b"\r\n", 1)[0] + f"\r\n{lines[0]}\r\n".encode()
    smuggled = b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    refused(served, start + b"\r\n" + smuggled, status=400, told=told)


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"-1\r\n", b"1\r\n{zz\r\n", b"1 \x00\r\n{\r\n", b"\xff\r\n"],
)
@pytest.mark.parametrize("path", [CHAT, "/healthz"])
@pytest.mark.parametrize("known", [True, False])
def test_chunks_that_are_none(
    served: Served, tokens: Tokens, chunks: bytes, path: str, known: bool
) -> None:
    token = tokens.good if known else ""
    attack = request(token, "Transfer-Encoding: chunked", path=path, length=False, body=b"")
    refused(served, attack + chunks, status=400, told=NOT_CLEAN)


def test_a_chunk_that_is_none_after_an_answer_ends_the_connection(served: Served) -> None:
    before = len(served.log)
    begun = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(begun)
        assert link.recv(65_536).startswith(b"HTTP/1.1 200 ")
        link.sendall(b"zz\r\n\r\n")
        assert read_all(link) == b""
    until(lambda: NOT_CLEAN in "".join(served.log[before:]))


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a\x00b HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b'G"ET / HTTP/1.1',
        b"GET / HTTP/9",
        b"GET /v1/models",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_first_lines_that_are_none(served: Served, line: bytes) -> None:
    rest = f"\r\nHost: localhost\r\nCookie: {SECRET}\r\n\r\n".encode()
    refused(served, line + rest, status=400, told=NOT_CLEAN)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m-a","model":"n-a","messages":[]}',
        b'{"model":"m-a","messages":[{"role":"user","content":"Say hello","content":"b"}]}',
        b'{"model":"m-a","\\ud800":1,"\\udc00":2,"messages":[]}',
        b'{"model":"m-a","\\u006dodel":"n-a","messages":[]}',
        b'{"model":"m-a","temperature":NaN,"messages":[]}',
        b'{"model":"m-a","temperature":1e999,"messages":[{"role":"user","content":"Say hello"}]}',
        b'{"model":"m-a","messages":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"max_tokens":' + b"9" * 6_000 + b"}",
        b"\xff\xfe{\x00}\x00",
        gzip.compress(WHOLE),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
def test_json_that_two_readers_would_read_differently(
    served: Served, tokens: Tokens, body: bytes, path: str
) -> None:
    attack = request(tokens.good, path=path, body=body)
    refused(served, attack, status=400, told="invalid_value")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_body_that_would_unfold(served: Served, tokens: Tokens, encoding: str) -> None:
    bomb = gzip.compress(b"x" * 10_000_000)
    attack = request(tokens.good, f"Content-Encoding: {encoding}", body=bomb)
    refused(served, attack, status=415, told="unsupported_encoding")


@pytest.mark.parametrize("field", ["base_url", "api_base", "endpoint"])
def test_an_address_to_send_a_call_to(served: Served, tokens: Tokens, field: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.05)
        address = f"http://user:{SECRET}@127.0.0.1:{trap.getsockname()[1]}/v1"
        given = json.dumps({**BODY, field: address}).encode()
        refused(served, request(tokens.good, body=given), status=400, told="invalid_value")
        inside = json.dumps({**BODY, "router": {field: address}}).encode()
        refused(served, request(tokens.good, body=inside), status=400, told="invalid_value")
        before = len(served.log)
        served.raw(
            request(
                tokens.good,
                body=json.dumps({**BODY, "model": address.replace(SECRET, "x")}).encode(),
            )
        )
        until(lambda: "model_not_found" in "".join(served.log[before:]))
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/%00",
        f"/v1/models/{SQL}",
        f"/v1/models?name={SECRET};/../../x",
        f"/v1/nowhere?key={SECRET}",
        f"/v1/nowhere/password={SECRET}",
        f"http://user:{SECRET}@localhost/v1/models",
        "/v1/models%20HTTP/1.1%0d%0aHost:%20evil.example",
        "/x%0d%0amcp-router:%20200%20GET%20/%20from%2010.0.0.1%1b[2J",
    ],
)
def test_paths_that_lead_elsewhere_or_forge_a_line(
    served: Served, tokens: Tokens, house: House, path: str
) -> None:
    attack = request(tokens.good, method="GET", path=path, body=None)
    if path.startswith("/v1/models?"):
        assert served.raw(attack).startswith(b"HTTP/1.1 200 ")
    else:
        answer = refused(served, attack, status=404, told="_found" if "models/" in path else "")
        assert b"root:" not in answer
    assert all(line.startswith(("mcp-router: ", "hint: ")) for line in served.log)
    assert not any("from 10.0.0.1" in line for line in served.log)
    assert "\x1b" not in served.logged()
    assert ("good",) in house.rows("SELECT name FROM access_tokens")


def test_a_token_that_is_sql(served: Served) -> None:
    refused(served, request("mrt_' OR '1'='1"), status=401, told="invalid_token")


@pytest.mark.parametrize("path", [CHAT, "/mcp", "/healthz"])
def test_names_that_were_rebound_and_foreign_pages(
    served: Served, tokens: Tokens, path: str
) -> None:
    named = request(tokens.good, path=path, host="evil.example")
    refused(served, named, status=421, told="host_not_allowed")
    page = request(tokens.good, "Origin: http://evil.example", path=path)
    refused(served, page, status=403, told="origin_not_allowed")


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PUT", "PATCH", "PROPFIND", "A" * 3_000])
def test_methods_that_nobody_serves(served: Served, tokens: Tokens, method: str) -> None:
    before = len(served.log)
    attack = request(tokens.good, method=method)
    assert served.raw(attack).split(b" ", 2)[1] in (b"404", b"405")
    until(lambda: any(f" 405 {method[:9]}" in line for line in served.log[before:]))
    assert len("".join(served.log[before:])) < 1_000
