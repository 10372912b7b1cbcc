"""Hostile requests to the real server: each is refused, and logged without what is secret in it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from mcp_router.testing.behaviours import huge
from tests.door.house import HELLO, House, Served, read_all, until

BODY = {"model": "m-a", "messages": HELLO}
CHAT = "/v1/chat/completions"
PATHS = (CHAT, "/v1/messages", "/v1/models", "/mcp", "/v1/messages/count_tokens", "/metrics", "/")


@pytest.fixture(scope="module")
def house(house: House) -> House:
    house.http = {"header_ms": 600, "body_ms": 600, "write_ms": 1_000, "max_body_bytes": 40_000}
    return house


@pytest.fixture(scope="module")
def reader(house: House, served: Served) -> str:
    return house.token("reader", "read")


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(served: Served, secret: str) -> Iterator[None]:
    yield
    log = served.logged()
    assert secret not in log
    assert "Say hello" not in log
    assert "Traceback" not in log


def head(secret: str, *, length: int | None, more: str = "", path: str = CHAT) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:1{more}", f"Authorization: Bearer {secret}"]
    lines.append("Content-Type: application/json")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "given", [{}, {"authorization": "Bearer"}, {"authorization": "Basic YTpi"}, {"x-api-key": "x"}]
)
def test_without_a_token_nothing_is_told(served: Served, path: str, given: dict[str, str]) -> None:
    with served.client() as client:
        method = "GET" if path == "/v1/models" else "POST"
        answer = client.request(method, path, headers=given, json=None if method == "GET" else BODY)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "m-a" not in answer.text


@pytest.mark.parametrize("wrong", ["mrt_" + "A" * 43, "mrt_", "mrt_" + "é" * 9, "m" * 9_000])
def test_a_wrong_token_is_none(served: Served, wrong: str) -> None:
    with served.client() as client:
        headers = {"authorization": f"Bearer {wrong}".encode()}
        assert client.get("/v1/models", headers=headers).status_code == 401


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
def test_a_scope_that_does_not_reach_is_forbidden(served: Served, reader: str, path: str) -> None:
    with served.client(reader) as client:
        answer = client.post(path, json=BODY)
        assert client.get("/v1/models").status_code == 200
    assert answer.status_code == 403
    assert 'scope="execute"' in answer.headers["www-authenticate"]


def test_a_token_after_its_end_is_none(served: Served, house: House) -> None:
    gone = house.token("gone", expires_ms=1)
    with served.client(gone) as client:
        assert client.get("/v1/models").status_code == 401


def test_a_body_that_is_too_long_is_refused_before_it_is_read(
    served: Served, secret: str, house: House
) -> None:
    with served.client(secret) as client:
        long = {"model": "m-a", "messages": [{"role": "user", "content": "x" * 50_000}]}
        assert client.post(CHAT, json=long).status_code == 413

        def endless() -> Iterator[bytes]:
            for _ in range(100):
                yield b"x" * 1_000

        streamed = client.post(
            CHAT, content=endless(), headers={"content-type": "application/json"}
        )
        assert streamed.status_code == 413
    calls = len(house.faults.calls)
    with served.client(secret) as client:
        assert client.post(CHAT, json=BODY).status_code == 200
    assert len(house.faults.calls) == calls + 1


def test_headers_that_dribble_are_given_up(served: Served, secret: str) -> None:
    start = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(start)
        assert read_all(link) == b""
    # A second request on a connection that was served has no longer time.
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        whole = start + f"Authorization: Bearer {secret}\r\n\r\n".encode()
        link.sendall(whole + start)
        assert read_all(link).count(b"HTTP/1.1 200") == 1
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        assert read_all(link) == b""
    until(lambda: "did not come in time" in served.logged())


def test_a_body_that_dribbles_is_given_up(served: Served, secret: str) -> None:
    answer = served.raw(head(secret, length=500), b'{"model"')
    assert status_of(answer) == 408
    assert b"connection: close" in answer.lower()


def test_a_client_that_reads_nothing_is_given_up(served: Served, secret: str, house: House) -> None:
    house.serve("h-a", huge())
    body = json.dumps({**BODY, "model": "h-a", "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        link.sendall(head(secret, length=len(body)) + body)
        until(lambda: "does not read its answer" in served.logged())
    until(lambda: house.held() == [])


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: xchunked",
        "Content-Length: +5",
        "Content-Length: 5, 5, 6",
        "Content-Length: 5\r\n X: folded",
        "Content-Length : 5",
        "Content-Length: 5\r\nX-Bad\x00: 1",
    ],
)
def test_lengths_and_headers_that_can_be_read_two_ways_are_refused(
    served: Served, secret: str, lines: str
) -> None:
    start = head(secret, length=None).removesuffix(b"\r\n")
    smuggled = b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = served.raw(start + lines.encode("latin-1") + b"\r\n\r\n" + smuggled)
    assert status_of(answer) in (400, 501)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("name", ["Host: localhost", "Authorization: Bearer x", "Origin: null"])
def test_a_header_that_is_there_twice_is_refused(served: Served, secret: str, name: str) -> None:
    answer = served.raw(
        head(secret, length=2, more=f"\r\nOrigin: http://localhost\r\n{name}") + b"{}"
    )
    assert status_of(answer) == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m-a","model":"other","messages":[]}',
        b'{"model":"m-a","messages":[{"role":"user","content":"a","content":"b"}]}',
        b'{"model":"m-a","temperature":NaN,"messages":[]}',
        b'{"model":"m-a","temperature":-Infinity,"messages":[]}',
        b'{"model":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"max_tokens":' + b"9" * 6_000 + b"}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b"[]",
        b"",
        b'{"model":"m-a"} {"model":"m-b"}',
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/mcp"])
def test_json_that_can_be_read_two_ways_is_refused(
    served: Served, secret: str, body: bytes, path: str
) -> None:
    with served.client(secret, accept="application/json, text/event-stream") as client:
        kind = {"content-type": "application/json"}
        assert client.post(path, content=body, headers=kind).status_code == 400


@pytest.mark.parametrize(
    "field", ["base_url", "api_base", "api_key", "BASE-URL", "endpoint", "custom_llm_provider"]
)
def test_no_request_can_say_where_a_call_goes(
    served: Served, secret: str, house: House, field: str
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as trap,
        served.client(secret, **{"x-base-url": "http://127.0.0.1:1"}) as client,
    ):
        trap.settimeout(0.05)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/v1"
        for path in (CHAT, "/v1/messages"):
            answer = client.post(path, json={**BODY, "max_tokens": 9, field: address})
            assert answer.status_code == 400
        router = client.post(CHAT, json={**BODY, "router": {field: address}})
        assert router.status_code == 400
        named = client.post(CHAT, json={**BODY, "model": address})
        assert named.status_code == 404
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "data:text/html,<b>", "javascript:1", "/etc/passwd"]
)
def test_images_are_data_or_web_addresses(served: Served, secret: str, url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    with served.client(secret) as client:
        body = {"model": "m-a", "messages": [{"role": "user", "content": [part]}]}
        assert client.post(CHAT, json=body).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/../../etc/passwd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/%00",
        "/v1/models/' OR 1=1 --",
        "/v1//models",
        "/V1/models",
        "/healthz/../v1/models",
        "/.well-known/oauth-protected-resource/../../v1/models",
        "/v1/models;x",
    ],
)
def test_paths_lead_nowhere_but_where_they_say(served: Served, secret: str, path: str) -> None:
    lines = f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nHost: localhost\r\n"
    token = f"Authorization: Bearer {secret}\r\n"
    answer = served.raw(f"{lines}{token}Connection: close\r\n\r\n".encode())
    assert status_of(answer) == 404
    assert b"root:" not in answer
    # Without a token not even that is told, wherever the path may lead.
    assert status_of(served.raw(f"{lines}Connection: close\r\n\r\n".encode())) in (401, 404)


SQL = "x'); DROP TABLE access_tokens; --"


def test_names_from_outside_are_never_sql(served: Served, secret: str, house: House) -> None:
    own = {"category": SQL, "project": SQL, "session": SQL}
    with served.client(secret) as client:
        assert client.post(CHAT, json={**BODY, "router": own}).status_code == 200
        assert client.post(CHAT, json={**BODY, "model": SQL}).status_code == 404
        assert (
            client.get("/v1/models", headers={"authorization": f"Bearer {SQL}"}).status_code == 401
        )
    assert ("alice",) in house.rows("SELECT name FROM access_tokens")
    assert (SQL,) in house.rows("SELECT category FROM routing_decisions")


def test_no_text_from_outside_makes_a_line_of_the_log_or_a_header(
    served: Served, secret: str
) -> None:
    forged = "x\r\nmcp-router: 200 forged\x1b[2J\u202e"
    with served.client(secret) as client:
        for body in (
            {**BODY, "model": forged},
            {**BODY, "messages": [{"role": "user", "content": forged}], forged: 1},
            {**BODY, "router": {"category": forged}, "tools": [{"type": forged}]},
        ):
            answer = client.post(CHAT, json=body)
            assert "forged" not in "".join(
                value for name, value in answer.headers.items() if name != "x-router-ignored"
            )
            assert all(value.isprintable() for value in answer.headers.values())
    # A path is percent-decoded before anybody sees it.
    served.raw(b"GET /x%0d%0amcp-router:%20200%20forged HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until(lambda: "/x" in served.logged())
    assert not any(line.startswith("mcp-router: 200") for line in served.log)
    assert "\x1b" not in served.logged()


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost", "", 200),
        ("127.0.0.1:8787", "", 200),
        ("[::1]:8787", "", 200),
        ("evil.example", "", 421),
        ("localhost.evil.example", "", 421),
        ("127.0.0.1.evil.example", "", 421),
        ("localhost@evil.example", "", 421),
        ("192.168.1.9", "", 421),
        ("", "", 421),
        ("localhost:x", "", 421),
        ("localhost", "http://localhost:3000", 200),
        ("localhost", "http://evil.example", 403),
        ("localhost", "http://localhost.evil.example", 403),
        ("localhost", "https://127.0.0.1.evil.example", 403),
        ("localhost", "null", 403),
        ("localhost", "file://", 403),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/readyz"])
def test_a_name_that_was_rebound_gets_nothing(
    served: Served, secret: str, host: str, origin: str, status: int, path: str
) -> None:
    more = f"Origin: {origin}\r\n" if origin else ""
    text = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}Authorization: Bearer {secret}\r\n"
    answer = served.raw(f"{text}Connection: close\r\n\r\n".encode())
    assert status_of(answer) == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_a_page_is_no_json(served: Served, secret: str, kind: str) -> None:
    with served.client(secret) as client:
        answer = client.post(CHAT, content=json.dumps(BODY), headers={"content-type": kind})
    assert answer.status_code == 415


def test_a_defect_says_nothing_of_itself(served: Served, secret: str) -> None:
    with served.client(secret) as client:
        deep: Any = {"model": "m-a", "messages": [{"role": "user", "content": {"a": 1}}]}
        assert client.post(CHAT, json=deep).status_code == 400
        for method in ("PUT", "PATCH", "TRACE"):
            answer = client.request(method, CHAT, json=BODY)
            assert answer.status_code in (404, 405)
