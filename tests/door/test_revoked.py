"""A token that is revoked while its answer is on the way: the answer ends, and so does its cost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from mcp_router.door.running import LOOK_SECONDS
from mcp_router.testing.behaviours import Fault
from tests.door.house import HELLO, House, Served, until

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
KEY = "io.modelcontextprotocol/"
BOUND = LOOK_SECONDS + 3.0


@contextmanager
def revoked_meanwhile(house: House, name: str) -> Generator[Callable[[], None]]:
    """Give what revokes a token; at the end the provider was hung up on and all is settled."""
    before = len(house.faults.abandoned)
    began: list[float] = []

    def revoke() -> None:
        assert house.held() != []
        assert house.run("token", "revoke", name).returncode == 0
        began.append(time.monotonic())

    yield revoke
    until(lambda: len(house.faults.abandoned) == before + 1)
    until(lambda: house.held() == [])
    assert time.monotonic() - began[0] < BOUND


def after(house: House, revoke: Callable[[], None]) -> threading.Thread:
    """Revoke on a thread once the provider was called."""
    calls = len(house.faults.calls)

    def wait() -> None:
        until(lambda: len(house.faults.calls) > calls)
        until(lambda: house.held() != [])
        revoke()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_stream_of_openais_kind_ends_in_an_error(house: House, served: Served) -> None:
    house.serve("r-a", Fault.stall(after=2))
    secret = house.token("chat")
    with (
        revoked_meanwhile(house, "chat") as revoke,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key=secret, max_retries=0) as client,
        client.chat.completions.create(model="r-a", messages=HELLO, stream=True) as stream,
    ):
        next(iter(stream))
        revoke()
        with pytest.raises(openai.APIError, match="was revoked"):
            list(stream)
    until(lambda: "revoked in " in served.logged())
    assert secret not in served.logged()


def test_a_stream_of_anthropics_kind_ends_in_an_error(house: House, served: Served) -> None:
    house.serve("r-a", Fault.stall(after=2))
    secret = house.token("message")
    given: dict[str, Any] = {"model": "r-a", "messages": HELLO, "max_tokens": 99, "stream": True}
    with (
        revoked_meanwhile(house, "message") as revoke,
        anthropic.Anthropic(base_url=served.url, api_key=secret, max_retries=0) as client,
        client.messages.create(**given) as stream,
    ):
        next(iter(stream))
        revoke()
        with pytest.raises(anthropic.APIStatusError) as failed:
            list(stream)
    assert failed.value.body == {
        "type": "error",
        "error": {"type": "authentication_error", "message": str(REVOKED)},
        "request_id": stream.response.headers["request-id"],
    }


REVOKED = "The bearer token was revoked, or expired, while this was answered."


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_has_not_begun_is_refused(
    house: House, served: Served, path: str, stream: bool
) -> None:
    house.serve("s-a", Fault.silence())
    name = f"early-{stream}-{path[4:8]}"
    body = {"model": "s-a", "messages": HELLO, "max_tokens": 99, "stream": stream}
    with (
        revoked_meanwhile(house, name) as revoke,
        served.client(house.token(name)) as client,
    ):
        revoking = after(house, revoke)
        answer = client.post(path, json=body)
        revoking.join()
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_a_task_over_mcp_ends_in_an_error(house: House, served: Served, era: str) -> None:
    house.serve("s-a", Fault.silence())
    name, tool = f"mcp-{era}", "execute_with_fallback"
    headers = {"accept": "application/json, text/event-stream"}
    meta: dict[str, Any] = {}
    if era != "legacy":
        headers |= {"mcp-protocol-version": era, "mcp-method": "tools/call", "mcp-name": tool}
        meta = {f"{KEY}protocolVersion": era, f"{KEY}clientCapabilities": {}}
    params = {"name": tool, "arguments": {"prompt": "Hi", "chain": "s-a"}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    with (
        revoked_meanwhile(house, name) as revoke,
        served.client(house.token(name), **headers) as client,
    ):
        revoking = after(house, revoke)
        answer = client.post("/mcp", json=body)
        revoking.join()
    told_in_an_answer(answer)


def told_in_an_answer(answer: httpx2.Response) -> None:
    """Check that a JSON-RPC error answers request 7, or that none was begun."""
    if answer.status_code == 401:
        assert answer.json()["error"] == "invalid_token"
        return
    told = json.loads(answer.text.strip().rpartition("data: ")[2])
    assert (told["id"], told["error"]["message"]) == (7, REVOKED)
    assert told["error"]["data"] == {"code": "invalid_token"}


def test_a_listener_is_ended_and_others_listen_on(house: House, served: Served) -> None:
    era = "2026-07-28"
    meta = {f"{KEY}protocolVersion": era, f"{KEY}clientCapabilities": {}}
    wanted = {"notifications": {"resourceSubscriptions": ["router://budget"]}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen", "params": wanted}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": era,
        "mcp-method": "subscriptions/listen",
    }
    with (
        served.client(house.token("gone", "read"), **headers) as one,
        served.client(house.token("stays", "read"), **headers) as other,
        one.stream("POST", "/mcp", json=body) as cut,
        other.stream("POST", "/mcp", json=body, timeout=1.0) as kept,
    ):
        lasting = kept.iter_raw()
        assert next(lasting)
        assert house.run("token", "revoke", "gone").returncode == 0
        began = time.monotonic()
        cut.read()
        assert time.monotonic() - began < BOUND
        told_in_an_answer(cut)
        # It neither ends nor says anything: its token holds.
        with pytest.raises(httpx2.ReadTimeout):
            next(lasting)


def test_a_token_whose_time_runs_out_ends_its_stream(house: House, served: Served) -> None:
    house.serve("r-a", Fault.stall(after=2))
    soon = int(time.time() * 1000) + 1_500
    body = {"model": "r-a", "messages": HELLO, "stream": True}
    with served.client(house.token("brief", expires_ms=soon)) as client:
        answer = client.post(CHAT, json=body)
    assert REVOKED in answer.text
    until(lambda: house.held() == [])
