"""LangChain's own OpenAI and Anthropic models, pointed at the server by a base URL alone."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.chat_models import init_chat_model
from langchain_core.tools import tool
from pydantic import BaseModel

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer
from tests.door.house import CALL, House, Served


class Number(BaseModel):
    """A number."""

    n: int


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}."


@pytest.fixture(params=["openai", "anthropic"])
def make(request: pytest.FixtureRequest, served: Served, secret: str) -> Any:
    base = f"{served.url}/v1" if request.param == "openai" else served.url

    def made(name: str) -> Any:
        return init_chat_model(
            f"{request.param}:{name}", base_url=base, api_key=secret, max_retries=0, max_tokens=200
        )

    return made


def test_auto_answers_and_counts(make: Any) -> None:
    done = make("auto").invoke("Hi there")
    assert done.text == echo("Hi there")
    assert done.usage_metadata["total_tokens"] > 0


def test_pieces_come_as_they_are_made(make: Any) -> None:
    pieces = list(make("auto:cost_first").stream("Hi there"))
    assert "".join(piece.text for piece in pieces) == echo("Hi there")
    assert len(pieces) > 3


def test_bound_tools_are_called(make: Any, house: House) -> None:
    house.serve("lt-a", Answer("", tool_calls=(CALL,)))
    done = make("lt-a").bind_tools([weather]).invoke("How is it in Bern?")
    assert [(one["name"], one["args"]) for one in done.tool_calls] == [
        ("weather", {"city": "Bern"})
    ]


def test_structured_output_is_read(make: Any, house: House) -> None:
    house.serve("ls-a", Answer('{"n": 7}'), wire="openai")
    found = make("ls-a").with_structured_output(Number, method="json_schema").invoke("Seven?")
    assert found == Number(n=7)
