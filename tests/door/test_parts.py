"""The parts of the door by themselves: strict JSON, names of hosts, statuses, header values."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.http import HttpSettings
from mcp_router.door.app import now_ms
from mcp_router.door.call import unless_gone
from mcp_router.door.faults import fault_of
from mcp_router.door.hosts import Names
from mcp_router.door.models import wanted
from mcp_router.door.reply import header_value
from mcp_router.door.shapes import as_bytes, error_body
from mcp_router.door.strict_json import MAX_DEPTH, BadJsonError, read_json, read_object
from mcp_router.errors import (
    BudgetExceededError,
    ContentFilteredError,
    FallbackExhaustedError,
    InvalidRequestError,
    NoCandidateError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
    RouterError,
    StorageError,
    UnpricedModelError,
)
from mcp_router.types import Attempt, Rejection, Strategy

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING)
def test_whatever_is_json_is_read_as_everybody_reads_it(value: object) -> None:
    for ascii_only in (True, False):
        try:
            body = json.dumps(value, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:
            continue
        assert read_json(body) == json.loads(body)


@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    with suppress(BadJsonError):
        assert isinstance(read_object(body), dict)


@given(st.text(st.characters()))
def test_half_a_character_is_read_as_one_that_can_be_written(text: str) -> None:
    read = read_json(json.dumps({"a": [text], text: 1}).encode())
    assert isinstance(read, dict)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert read.get("a") == [whole] or text == "a"
    json.dumps(read, ensure_ascii=False).encode()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_counts_brackets_outside_of_texts_only(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nested(depth: int) -> bytes:
        return (opening * depth + "1" + closing * depth).encode()

    assert read_json(nested(MAX_DEPTH))
    with pytest.raises(BadJsonError):
        read_json(nested(MAX_DEPTH + 1))
    assert read_json(json.dumps({"a": opening * 500 + '\\"' * 9}).encode())


@pytest.mark.parametrize(
    ("host", "header", "taken"),
    [
        ("0.0.0.0", "10.0.0.7:8787", True),
        ("0.0.0.0", "[fd00::1]:8787", True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", "router.example:443", True),
        ("127.0.0.1", "10.0.0.7", False),
        ("192.168.0.2", "192.168.0.2", True),
        ("127.0.0.1", "LOCALHOST:1", True),
        ("127.0.0.1", "router.example", True),
        ("127.0.0.1", "[::1", False),
        ("127.0.0.1", "[::1]x", False),
        ("127.0.0.1", ":80", False),
    ],
)
def test_hosts(host: str, header: str, taken: bool) -> None:
    settings = HttpSettings(host=host, allowed_hosts=("router.example",))
    assert Names(settings).takes_host(header) is taken


@given(st.text(alphabet="abc.:[]@/0189", max_size=20))
def test_only_names_that_are_listed_are_taken(header: str) -> None:
    host, _, port = header.rpartition(":")
    names = Names(HttpSettings())
    if names.takes_host(header):
        bare = host if port.isdecimal() or not port else header
        assert (bare or header).strip("[]") in {"localhost", "127.0.0.1", "::1"}


def test_pages_of_this_machine_may_not_call_a_server_for_others() -> None:
    names = Names(HttpSettings(host="0.0.0.0", allowed_origins=("https://chat.example",)))
    assert not names.takes_origin("http://localhost:3000")
    assert names.takes_origin("https://CHAT.example")
    assert not names.takes_origin("http://chat.example")


def exhausted(*outcomes: str) -> FallbackExhaustedError:
    return FallbackExhaustedError([Attempt(model="m", provider="p", outcome=o) for o in outcomes])


def unfit(*filters: str) -> NoCandidateError:
    return NoCandidateError([Rejection(model="m", filter=one, reason="x") for one in filters])


AT = {"provider": "p", "model": "m"}
OVER: dict[str, Any] = {"limit": 1, "spent": 1, "reserved": 0, "asked": 1, "resets_at": None}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exhausted("rate_limited", "rate_limited"), 429),
        (exhausted("timeout"), 504),
        (exhausted("overloaded", "rate_limited"), 503),
        (exhausted("budget"), 402),
        (exhausted("budget", "server_error"), 502),
        (exhausted("context_length"), 400),
        (exhausted(), 502),
        (unfit("context", "denied"), 400),
        (unfit("credentials", "retired"), 503),
        (unfit("min_quality", "credentials"), 400),
        (BudgetExceededError(budget="day", **OVER), 402),
        (UnpricedModelError("m"), 402),
        (StorageError(path="x", problem="y"), 503),
        (RateLimitedError(**AT, retry_after=2.5), 429),
        (RateLimitedError(**AT, retry_after=None), 429),
        (ProviderTimeout(**AT, deadline="idle", after_ms=1), 504),
        (ProviderHTTPError(**AT, status=529), 503),
        (ProviderHTTPError(**AT, status=418), 502),
        (ContentFilteredError(**AT), 400),
        (InvalidRequestError(field="f", problem="p"), 400),
        (RouterError("odd"), 500),
    ],
)
def test_every_error_has_a_status_and_both_forms(error: RouterError, status: int) -> None:
    fault = fault_of(error)
    assert fault.status == status
    assert all(value.isdecimal() for value in fault.headers.values())
    openai = error_body(fault, dialect="openai", request_id="r")["error"]
    anthropic = error_body(fault, dialect="anthropic", request_id="r")
    assert set(openai) == {"message", "type", "param", "code"}
    assert anthropic["error"]["message"] == openai["message"] == fault.message
    assert error_body(fault, dialect="plain", request_id="r")["error_description"]


def test_a_wait_is_rounded_up() -> None:
    told = fault_of(RateLimitedError(provider="p", model="m", retry_after=2.5)).headers
    assert told == {"retry-after": "3"}


@given(st.text())
def test_no_text_splits_a_header_or_a_frame(text: str) -> None:
    value = header_value(text)
    assert value.isascii()
    assert value.isprintable() or not value
    body: Mapping[str, Any] = {"a": text}
    assert b"\n" not in as_bytes(body)


def test_models_are_named_in_every_way() -> None:
    assert wanted("auto") == (None, "")
    assert wanted(" Auto:Cost-First ") == (Strategy.COST_FIRST, "")
    assert wanted("quality_first") == (Strategy.QUALITY_FIRST, "")
    assert wanted("openai/gpt-5") == (None, "openai/gpt-5")
    for wrong in ("", " ", "x" * 201, "auto:", "auto:best"):
        with pytest.raises(InvalidRequestError):
            wanted(wrong)


@pytest.mark.anyio
async def test_work_is_given_up_once_the_client_is_gone() -> None:
    gone, stopped = anyio.Event(), anyio.Event()

    async def receive() -> MutableMapping[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def work() -> str:
        gone.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return "never"

    assert await unless_gone(receive, work) is None
    assert stopped.is_set()

    async def fail() -> str:
        raise RouterError("as it is")

    async def stay() -> MutableMapping[str, Any]:
        await anyio.sleep_forever()
        return {}

    with pytest.raises(RouterError, match="as it is"):
        await unless_gone(stay, fail)


def test_the_clock_is_in_milliseconds() -> None:
    assert now_ms() > 1_700_000_000_000
