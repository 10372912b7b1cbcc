"""Whatever JSON is posted is answered or refused in the words of its API, and never a defect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.door.house import HELLO, House, Served

CHAT, MESSAGES, COUNT = "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"
TEXT = st.text(st.characters(), max_size=12)
SCALAR = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    st.sampled_from([0, -1, 2**63, 10**30, 1e308, "auto", "user", "\x00", "\ud800", "é" * 300]),
)
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KINDS = ("text", "image_url", "image", "document", "file", "input_audio", "tool_use", "tool_result")
PART = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | ANYTHING,
        "text": TEXT | ANYTHING,
        "image_url": st.fixed_dictionaries({"url": TEXT}) | ANYTHING,
        "source": ANYTHING,
        "content": ANYTHING,
        "file": ANYTHING,
        "id": TEXT,
        "tool_use_id": TEXT,
        "name": TEXT,
        "input": ANYTHING,
    },
)
MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system", "tool", "developer"]) | TEXT,
        "content": TEXT | st.lists(PART, max_size=2) | ANYTHING,
    },
    optional={"tool_calls": ANYTHING, "tool_call_id": TEXT | ANYTHING, "name": ANYTHING},
)
TOOL = st.fixed_dictionaries(
    {"type": st.just("function") | TEXT},
    optional={
        "name": TEXT,
        "input_schema": ANYTHING,
        "function": st.fixed_dictionaries({"name": TEXT}, optional={"parameters": ANYTHING}),
    },
)
ROUTER = st.dictionaries(
    st.sampled_from(
        [
            *("max_cost_usd", "max_latency_ms", "min_quality", "requires", "timeout_s"),
            *("project", "session", "category"),
        ]
    ),
    ANYTHING,
    max_size=2,
)
FIELDS = {
    "model": st.sampled_from(["m-a", "auto", "auto:cost_first"]) | ANYTHING,
    "messages": st.just(HELLO) | st.lists(MESSAGE, max_size=3) | ANYTHING,
    "max_tokens": st.just(64) | ANYTHING,
}
MORE = {
    "stream": st.booleans() | SCALAR,
    "system": ANYTHING,
    "tools": st.lists(TOOL, max_size=2) | ANYTHING,
    "tool_choice": ANYTHING,
    "response_format": ANYTHING,
    "output_config": ANYTHING,
    "thinking": ANYTHING,
    "reasoning_effort": ANYTHING,
    "stop": ANYTHING,
    "stop_sequences": ANYTHING,
    "temperature": ANYTHING,
    "stream_options": ANYTHING,
    "metadata": ANYTHING,
    "user": ANYTHING,
    "n": ANYTHING,
    "router": ROUTER | ANYTHING,
}
BODY = st.fixed_dictionaries(FIELDS, optional=MORE) | ANYTHING


@pytest.fixture(scope="module")
def client(house: House, served: Served, secret: str) -> Iterator[httpx2.Client]:
    with served.client(secret) as made:
        yield made


def error_of(path: str, told: Any) -> str:
    """Check the form of an error and return its sentence."""
    if path == CHAT:
        assert set(told) == {"error"}
        assert set(told["error"]) == {"message", "type", "param", "code"}
    else:
        assert set(told) == {"type", "error", "request_id"}
        assert told["type"] == "error"
        assert set(told["error"]) == {"type", "message"}
    message = told["error"]["message"]
    assert isinstance(message, str)
    return message


@pytest.mark.parametrize("path", [CHAT, MESSAGES, COUNT])
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@example(body={"model": "\ud800", "messages": HELLO, "max_tokens": 9})
@example(body={"model": "m-a", "messages": HELLO, "max_tokens": 9, "stop": "\udc00"})
@example(body={"model": "m-a", "messages": HELLO, "max_tokens": 9, "stop_sequences": ["\ud800"]})
@given(body=BODY)
def test_any_json_is_answered_or_refused_in_the_words_of_its_api(
    client: httpx2.Client, path: str, body: Any
) -> None:
    answer = client.post(
        path, content=json.dumps(body), headers={"content-type": "application/json"}
    )
    if answer.status_code == 200:
        assert answer.content
        return
    assert 400 <= answer.status_code < 500, answer.text
    assert error_of(path, answer.json())


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(client: httpx2.Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert error_of(path, answer.json())


def test_nothing_of_all_this_was_a_defect(served: Served) -> None:
    log = served.logged()
    assert "Exception" not in log
    assert " 500 " not in log
