"""The access log: one line for each request, which nobody outside can forge, split or drown."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mcp_router.logs import redacted
from mcp_router.storage.tokens import new_secret
from mcp_router.testing.behaviours import Fault
from tests.door.house import HELLO, SECONDS, House, Served, until

CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m-a", "messages": HELLO}
FIELDS = (
    *("time", "level", "logger", "message", "method", "path", "status", "ms", "bytes", "ended"),
    *("client", "token", "decision_id", "request_id"),
)


@pytest.fixture(scope="module")
def served(house: House) -> Iterator[Served]:
    with house.started(ROUTING_LOG_FORMAT="json") as server:
        yield server


def rows(served: Served, path: str) -> list[Any]:
    """Return the lines of the access log about a path."""
    found = [json.loads(line) for line in [*served.log]]
    return [one for one in found if one["logger"].endswith("access") and one["path"] == path]


def row_of(served: Served, request_id: str) -> Any:
    """Wait for the line about a request."""

    def about() -> list[Any]:
        found = [json.loads(line) for line in [*served.log]]
        mine = [one for one in found if one.get("request_id") == request_id]
        return [one for one in mine if one["logger"].endswith("access")]

    until(lambda: bool(about()))
    (row,) = about()
    return row


def test_a_request_is_one_line_with_who_what_and_how_long(
    served: Served, secret: str, house: House
) -> None:
    with served.client(secret) as client:
        answer = client.post(f"{CHAT}?key=hunter2", json=BODY)
    row = row_of(served, answer.headers["x-request-id"])
    assert tuple(row) == FIELDS
    assert (row["method"], row["path"], row["status"]) == ("POST", CHAT, 200)
    assert (row["token"], row["ended"], row["client"]) == ("alice", "finished", "127.0.0.1")
    assert row["bytes"] == len(answer.content)
    assert 0 <= row["ms"] < 10_000
    assert row["decision_id"] == answer.headers["x-router-decision-id"]
    assert row["level"] == "info"
    log = served.logged()
    assert "hunter2" not in log
    assert secret not in log
    assert "Say hello" not in log


def test_a_stream_is_told_of_at_its_end(served: Served, secret: str) -> None:
    with (
        served.client(secret) as client,
        client.stream("POST", CHAT, json={**BODY, "stream": True}) as answer,
    ):
        content = answer.read()
    row = row_of(served, answer.headers["x-request-id"])
    assert (row["ended"], row["status"], row["bytes"]) == ("finished", 200, len(content))
    assert row["decision_id"] == answer.headers["x-router-decision-id"]


def test_a_stream_that_breaks_says_so(served: Served, secret: str, house: House) -> None:
    house.serve("b-a", Fault.cut(after=2))
    with served.client(secret) as client:
        answer = client.post(CHAT, json={**BODY, "model": "b-a", "stream": True})
    assert row_of(served, answer.headers["x-request-id"])["ended"] == "failed"


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_is_told_of(
    served: Served, secret: str, house: House, stream: bool
) -> None:
    house.serve("l-a", Fault.stall(after=2) if stream else Fault.silence())
    body = json.dumps({**BODY, "model": "l-a", "stream": stream}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    more = f"Authorization: Bearer {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    before = len(rows(served, CHAT))
    calls = len(house.faults.calls)
    with socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS) as link:
        link.sendall((head + more).encode() + body)
        until(lambda: len(house.faults.calls) > calls)
        if stream:
            assert link.recv(10)
    until(lambda: len(rows(served, CHAT)) == before + 1)
    row = rows(served, CHAT)[-1]
    assert row["ended"] == "client left"
    assert row.get("status") == (200 if stream else None)
    until(lambda: house.held() == [])


def test_what_is_refused_is_told_of_and_by_whose_token(served: Served, secret: str) -> None:
    wrong = new_secret()
    with served.client(wrong) as client:
        unknown = client.post("/v1/messages", json=BODY)
    with served.client(secret) as client:
        nowhere = client.get("/v1/nowhere")
    row = row_of(served, unknown.headers["x-request-id"])
    assert (row["status"], row["ended"], "token" in row) == (401, "finished", False)
    assert row_of(served, nowhere.headers["x-request-id"])["token"] == "alice"
    assert wrong not in served.logged()


def test_whose_limit_it_was_is_told(served: Served, house: House) -> None:
    with served.client(house.token("eager", requests_per_minute=1)) as client:
        answers = [client.get("/v1/models") for _ in range(2)]
    row = row_of(served, answers[1].headers["x-request-id"])
    assert (row["status"], row["token"]) == (429, "eager")


def test_probes_are_told_of_only_where_their_answer_changes(own_house: House) -> None:
    own_house.token()
    with own_house.started(ROUTING_LOG_FORMAT="json") as served, served.client() as client:
        for path in ("/healthz", "/readyz", "/healthz"):
            assert client.get(path).status_code == 200
        for _ in range(2):
            assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421
        assert client.get("/healthz").status_code == 200
        client.get("/nothing")
        until(lambda: len(rows(served, "/nothing")) == 1)
        assert [one["status"] for one in rows(served, "/healthz")] == [421, 200]
        assert rows(served, "/readyz") == []


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/x%0d%0amcp-router:%20200%20forged", "/x%0D%0Amcp-router:%20200%20forged"),
        ("/x%00%1b[2J%e2%80%ae", "/x%00%1B[2J%E2%80%AE"),
        ("/x%20200%20POST%20from%2010.0.0.1:", "/x%20200%20POST%20from%2010.0.0.1:"),
        ("/%22,%22token%22:%22admin", "/%22,%22token%22:%22admin"),
        ("/a%ff%c0%af", "/a%EF%BF%BD%EF%BF%BD%EF%BF%BD"),
        ("/v1/models/password=hunter2", "/v1/models/password=[redacted]"),
        ("/q%3Fkey=hunter2", "/q%3Fkey=[redacted]"),
        ("http://user:hunter2@localhost/y", "http://user:[redacted]@localhost/y"),
        ("/" + "y" * 500, "/" + "y" * 196 + "..."),
    ],
)
def test_no_path_forges_splits_or_swells_a_line(served: Served, target: str, told: str) -> None:
    served.raw(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    until(lambda: len(rows(served, told)) == 1)
    assert rows(served, told)[0]["status"] == 401
    assert "hunter2" not in served.logged()


@pytest.mark.parametrize("cut", range(150, 197, 7))
def test_no_part_of_a_key_is_left_where_a_path_is_cut(served: Served, cut: int) -> None:
    key = "A1b2C3d4" * 6
    assert key not in redacted(key)
    path = f"/{'z' * cut}/{key}"
    served.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    until(lambda: f"/{'z' * cut}/" in served.logged())
    assert key[:8] not in served.logged()


def test_no_header_makes_or_changes_a_line(served: Served, secret: str) -> None:
    forged = {
        "x-request-id": "req_forged",
        "x-router-decision-id": "dec_forged",
        "x-forwarded-for": "6.6.6.6",
        "forwarded": "for=6.6.6.6",
        "user-agent": "forged 200 POST /v1/messages",
        "referer": f"http://x/?{secret}",
    }
    with served.client(secret, **forged) as client:
        answer = client.get("/v1/models")
    row = row_of(served, answer.headers["x-request-id"])
    assert row["client"] == "127.0.0.1"
    log = served.logged()
    assert not re.search(r"forged|6\.6\.6\.6", log.replace("200%20forged", ""))
    assert secret not in log


def test_what_the_end_of_the_server_cuts_is_told_of_as_text(own_house: House) -> None:
    own_house.http = {"drain_ms": 300}
    own_house.serve("m-a", Fault.stall(after=2))
    secret = own_house.token()
    with own_house.started() as served, served.client(secret) as client:

        def ask() -> None:
            client.post(CHAT, json={**BODY, "stream": True})

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: len(own_house.faults.calls) == 1)
        served.popen.send_signal(signal.SIGTERM)
        assert served.popen.wait(SECONDS) == 0
        asking.join()
        time = r"mcp-router: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "
        line = rf"{time}200 POST {CHAT} from 127\.0\.0\.1: drained in \d+ ms, \d+ bytes "
        rest = r"\(token=alice, dec_\w+, req_\w+\)\n"
        until(lambda: any(re.fullmatch(line + rest, one) for one in served.log))


def test_it_can_be_turned_off_and_refusals_are_still_told(own_house: House) -> None:
    own_house.http = {"access_log": False}
    secret = own_house.token()
    with own_house.started() as served:
        with served.client(secret) as client:
            assert client.get("/v1/models").status_code == 200
            assert client.get("/v1/nowhere").status_code == 404
        until(lambda: served.log != [])
        served.popen.terminate()
        assert served.popen.wait(SECONDS) == 0
    (line,) = served.log
    assert line.startswith("mcp-router: 404 GET /v1/nowhere from 127.0.0.1: unknown_path")
