"""A signal: no new requests, those that run end within a bound, exit code 0."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from typing import Any

import httpx2
import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from tests.door.house import HELLO, SECONDS, House, Served, read_all, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m-a", "messages": HELLO}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(own_house: House, number: signal.Signals) -> None:
    own_house.token()
    with own_house.started() as served, served.client() as client:
        assert client.get("/healthz").status_code == 200
        began = time.monotonic()
        served.popen.send_signal(number)
        assert served.popen.wait(SECONDS) == 0
        assert time.monotonic() - began < 2
    assert served.logged() == ""
    assert not own_house.database.with_name("router.db-wal").exists()


@pytest.mark.parametrize("stream", [False, True])
def test_answers_on_their_way_arrive_whole(own_house: House, stream: bool) -> None:
    own_house.serve("m-a", Answer(chunk_delay=0.2))
    secret, got = own_house.token(), list[httpx2.Response]()
    with own_house.started() as served:

        def ask() -> None:
            with served.client(secret) as client:
                got.append(client.post(CHAT, json={**BODY, "stream": stream}))

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: len(own_house.faults.calls) == 1)
        served.popen.send_signal(signal.SIGTERM)
        until(lambda: refuses(served))
        asking.join()
        assert served.popen.wait(SECONDS) == 0
    (answer,) = got
    assert answer.status_code == 200
    assert answer.text.endswith("[DONE]\n\n") if stream else echo("Say hello.") in answer.text
    assert own_house.held() == []


def test_readiness_fails_while_others_are_served(own_house: House) -> None:
    own_house.serve("m-a", Answer(header_delay=1.0))
    secret = own_house.token()
    ready = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    # A connection that is open already, with a request on its way, may still ask.
    with own_house.started() as served:
        body = b'{"model":"m-a","messages":[{"role":"user","content":"Hi"}]}'
        lines = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost"]
        lines += [f"Authorization: Bearer {secret}", f"Content-Length: {len(body)}"]
        head = "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()
        with socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS) as link:
            link.sendall(head + body)
            until(lambda: len(own_house.faults.calls) == 1)
            served.popen.send_signal(signal.SIGTERM)
            until(lambda: refuses(served))
            link.sendall(ready)
            answers = read_all(link)
        assert b"HTTP/1.1 200" in answers
        assert served.popen.wait(SECONDS) == 0


@pytest.mark.parametrize("stream", [False, True])
def test_what_does_not_end_is_ended_and_settled(own_house: House, stream: bool) -> None:
    own_house.http = {"drain_ms": 1_000}
    own_house.serve("m-a", Fault.stall(after=2) if stream else Fault.silence())
    secret = own_house.token()
    got: list[httpx2.Response] = []
    with own_house.started() as served, served.client(secret) as client:

        def ask() -> None:
            got.append(client.post(CHAT, json={**BODY, "stream": stream}))

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: len(own_house.faults.calls) == 1)
        began = time.monotonic()
        served.popen.send_signal(signal.SIGTERM)
        assert served.popen.wait(SECONDS) == 0
        assert 0.9 < time.monotonic() - began < 4
        asking.join()
    # A stream that has begun ends in an error; what has not is told to come again.
    (answer,) = got
    assert answer.status_code == (200 if stream else 503)
    last = answer.text.strip().rpartition("data: ")[2]
    assert json.loads(last)["error"]["code"] == "server_stopping"
    assert own_house.held() == []


def test_listeners_do_not_hold_the_end_up(own_house: House) -> None:
    secret = own_house.token()
    key = "io.modelcontextprotocol/"
    meta = {f"{key}protocolVersion": "2026-07-28", f"{key}clientCapabilities": {}}
    wanted = {"notifications": {"resourceSubscriptions": ["router://budget"]}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": wanted}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "subscriptions/listen",
    }
    with (
        own_house.started() as served,
        served.client(secret, **headers) as client,
        client.stream("POST", "/mcp", json=body) as listening,
    ):
        assert listening.status_code == 200
        next(listening.iter_raw())
        began = time.monotonic()
        served.popen.send_signal(signal.SIGTERM)
        assert served.popen.wait(SECONDS) == 0
        assert time.monotonic() - began < 3


def test_a_second_signal_waits_for_nothing(own_house: House) -> None:
    own_house.serve("m-a", Fault.silence())
    secret, got = own_house.token(), list[int]()
    with own_house.started() as served, served.client(secret) as client:

        def ask() -> None:
            got.append(client.post(CHAT, json=BODY).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: len(own_house.faults.calls) == 1)
        served.popen.send_signal(signal.SIGTERM)
        until(lambda: refuses(served))
        served.popen.send_signal(signal.SIGTERM)
        assert served.popen.wait(SECONDS) == 0
        asking.join()
    assert got == [503]
    assert own_house.held() == []


def test_a_port_that_is_taken_is_told(own_house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = own_house.run("serve", "--http", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "nothing can listen at 127.0.0.1" in done.stderr
    assert "hint: " in done.stderr


def test_listening_beyond_this_machine_is_warned_of(own_house: House) -> None:
    own_house.token()
    with own_house.started("--host", "0.0.0.0") as served:
        until(lambda: "warning: " in served.logged())
        with served.client() as client:
            assert client.get("/readyz", headers={"host": "10.1.2.3"}).status_code == 200
            assert client.get("/readyz", headers={"host": "evil.example"}).status_code == 421


def refuses(served: Served) -> bool:
    try:
        socket.create_connection(("127.0.0.1", served.port), timeout=1).close()
    except OSError:
        return True
    return False
