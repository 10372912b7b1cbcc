"""The chat model over the router's own wires: what an answer tells, and what a call may choose."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel

from langchain_mcp_router import ChatModelRouter
from mcp_router import (
    BudgetExceededError,
    Constraints,
    FallbackExhaustedError,
    InvalidRequestError,
    MalformedResponseError,
    RouterError,
    ToolCall,
)
from mcp_router.testing import Answer, Fault, echo
from tests.integrations.harbour import Harbour, harbour, high_tide

GPT, CLAUDE, GEMINI = "openai-m", "anthropic-m", "gemini-m"


class Tide(BaseModel):
    """A tide."""

    port: str
    metres: float


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as found:
        yield found


def chosen(**options: Any) -> RunnableConfig:
    return {"configurable": {"router": options}}


def whole(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    return sum(chunks[1:], chunks[0])


def test_an_answer_tells_who_gave_it_and_what_it_cost(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(GPT,))
    answer = model.invoke("hi")
    told = answer.response_metadata
    assert answer.text == echo("hi")
    assert (told["model_name"], told["model_provider"]) == (GPT, "fault-openai")
    assert [one["outcome"] for one in told["router"]["attempts"]] == ["ok"]
    day = next(one for one in port.router.budget() if one.name == "day")
    assert Decimal(told["cost_usd"]) == day.spent_usd > 0
    assert answer.usage_metadata is not None
    assert "cost" not in json.dumps(answer.usage_metadata)
    assert port.router.explain(told["decision_id"]).model == GPT


def test_a_stream_tells_the_same_once(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(CLAUDE,))
    chunks = list(model.stream("hi"))
    answer, plain = whole(chunks), model.invoke("hi")
    assert answer.text == echo("hi")
    assert sum(one.usage_metadata is not None for one in chunks) == 1
    for name in ("model_name", "model_provider", "finish_reason"):
        assert answer.response_metadata[name] == plain.response_metadata[name]
    assert Decimal(answer.response_metadata["cost_usd"]) > 0


def test_a_fallback_goes_unseen_and_is_told_afterwards(port: Harbour) -> None:
    port.server.script(GPT, [Fault.http(503)])
    model = ChatModelRouter(router=port.router, chain=(GPT, CLAUDE))
    for answer in (model.invoke("hi"), whole(list(model.stream("hi")))):
        assert answer.text == echo("hi")
        attempts = answer.response_metadata["router"]["attempts"]
        outcomes = {(one["model"], one["outcome"]) for one in attempts}
        assert (CLAUDE, "ok") in outcomes
        assert outcomes <= {(GPT, "overloaded"), (GPT, "breaker_open"), (CLAUDE, "ok")}
        assert answer.response_metadata["model_name"] == CLAUDE


def test_options_of_a_call_survive_tools_structure_and_streams(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(GPT,))
    config = chosen(chain=(GEMINI,))
    bound = model.bind_tools([high_tide])
    structured = model.with_structured_output(Tide, include_raw=True)
    found: list[Any] = [
        model.invoke("hi", config),
        bound.invoke("hi", config),
        structured.invoke("hi", config)["raw"],
        whole(list(model.stream("hi", config))),
        whole(list(bound.stream("hi", config))),  # type: ignore[arg-type]
        *model.batch(["hi", "ho"], config),
    ]

    async def later() -> list[Any]:
        chunks = [chunk async for chunk in bound.astream("hi", config)]
        return [await bound.ainvoke("hi", config), sum(chunks[1:], chunks[0])]

    found += asyncio.run(later())
    assert [one.response_metadata["model_name"] for one in found] == [GEMINI] * len(found)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_options_of_a_call_reach_a_stream_of_events(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(GPT,))
    answer = model.stream_events("hi", chosen(chain=(CLAUDE,)), version="v3").output
    assert answer.response_metadata["model_name"] == CLAUDE


def test_a_call_may_name_its_model_strategy_and_constraints(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, constraints=Constraints(deny_models=(GPT,)))
    constraints = {"models": (GPT, CLAUDE), "max_cost_usd": "1"}
    answer = model.invoke("hi", chosen(strategy="quality_first", constraints=constraints))
    decision = port.router.explain(answer.response_metadata["decision_id"])
    assert decision.model == CLAUDE
    assert (decision.strategy, decision.request.constraints.max_cost_usd) == ("quality_first", 1)
    assert model.invoke("hi", model=GEMINI).response_metadata["model_name"] == GEMINI


def test_calls_count_for_the_tags_and_the_session_they_name(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(GPT,), budget_tags={"project": "shop"})
    model.invoke("hi", chosen(budget_tags={"team": "web"}, session="s1"))
    model.invoke("hi", {"configurable": {"thread_id": 7}})
    tags = [json.loads(one) for (one,) in port.rows("SELECT tags FROM ledger_entries")]
    assert tags == [["project=shop", "team=web", "session=s1"], ["project=shop", "session=7"]]


@pytest.mark.parametrize("options", [{"stratgy": "cost_first"}, {"strategy": "cheapest"}, "cheap"])
def test_an_option_that_does_not_exist_is_refused(port: Harbour, options: Any) -> None:
    model = ChatModelRouter(router=port.router)
    with pytest.raises(InvalidRequestError):
        model.invoke("hi", {"configurable": {"router": options}})


class Bad(NamedTuple):
    """What every model does, and the error that comes of it."""

    fault: Fault
    standard: type[ModelError]
    own: type[RouterError] = FallbackExhaustedError


@pytest.mark.parametrize(
    "bad",
    [
        Bad(Fault.http(429), ModelRateLimitError),
        Bad(Fault.invalid_key(), ModelAuthenticationError),
        Bad(Fault.http(404), ModelNotFoundError),
        Bad(Fault.http(500), ModelAPIError),
        Bad(Fault.http(400), ModelInvalidRequestError, RouterError),
        Bad(Fault.context_length(), ContextOverflowError, RouterError),
    ],
    ids=lambda bad: bad.standard.__name__,
)
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_failure_is_one_of_langchains_errors_and_the_routers(
    port: Harbour, bad: Bad, way: str
) -> None:
    port.server.script(GPT, [bad.fault])
    model = ChatModelRouter(router=port.router, chain=(GPT,))
    with pytest.raises(bad.standard) as caught:
        list(getattr(model, way)("hi"))
    assert isinstance(caught.value, bad.own)
    assert all(one.reserved_usd == 0 for one in port.router.budget())


def test_a_spent_budget_is_a_permission_denied_that_nobody_retries(tmp_path: Path) -> None:
    with harbour(tmp_path, budget={"daily": "0.000001"}) as port:
        with pytest.raises(ModelPermissionDeniedError) as caught:
            ChatModelRouter(router=port.router, chain=(GPT,)).invoke("hi", max_tokens=1000)
        assert isinstance(caught.value, BudgetExceededError)
        assert not caught.value.is_retryable
        assert not port.server.calls


def test_a_call_takes_no_longer_than_its_timeout(port: Harbour) -> None:
    port.server.script(GPT, [Fault.silence()])
    model = ChatModelRouter(router=port.router, chain=(GPT,), timeout=0.2)
    with pytest.raises((ModelTimeoutError, FallbackExhaustedError)):
        model.invoke("hi")


def test_a_stream_that_breaks_after_it_began_is_an_error_and_never_spliced(port: Harbour) -> None:
    port.server.script(GPT, [Fault.cut(after=2)])
    model = ChatModelRouter(router=port.router, chain=(GPT, CLAUDE))
    heard: list[str] = []
    with pytest.raises(ModelAPIError, match="broke off in the middle") as caught:
        heard.extend(chunk.text for chunk in model.stream("a long story"))
    assert isinstance(caught.value, MalformedResponseError)
    assert caught.value.is_retryable
    assert echo("a long story").startswith("".join(heard))
    assert all(one.reserved_usd == 0 for one in port.router.budget())


def test_a_stream_that_is_closed_early_gives_back_what_it_held(port: Harbour) -> None:
    port.server.script(GPT, [Fault.stall(after=1)])
    stream = ChatModelRouter(router=port.router, chain=(GPT,)).stream("hi")
    assert next(iter(stream)).text
    stream.close()  # type: ignore[attr-defined]
    assert all(one.reserved_usd == 0 for one in port.router.budget())


def test_it_works_in_a_running_loop_in_many_loops_and_from_threads(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(GPT,))

    async def inside() -> list[str]:
        blocking = model.invoke("a").text
        pieces = [chunk.text async for chunk in model.astream("b")]
        return [blocking, (await model.ainvoke("c")).text, "".join(pieces)]

    for _ in range(3):
        assert asyncio.run(inside()) == [echo("a"), echo("c"), echo("b")]
    prompts = [str(number) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        assert [one.text for one in pool.map(model.invoke, prompts)] == list(map(echo, prompts))
    assert [one.text for one in model.batch(["x", "y"])] == [echo("x"), echo("y")]


class Ends(BaseCallbackHandler):
    """Keeps what tracers are told at the end of a run."""

    def __init__(self) -> None:
        self.infos: list[dict[str, Any] | None] = []

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.infos.append(response.generations[0][0].generation_info)


def test_tracers_and_usage_callbacks_learn_the_real_model(port: Harbour) -> None:
    ends, counts = Ends(), UsageMetadataCallbackHandler()
    model = ChatModelRouter(router=port.router, chain=(GEMINI,))
    config: RunnableConfig = {"callbacks": [ends, counts]}
    model.invoke("hi", config)
    list(model.stream("hi", config))
    assert list(counts.usage_metadata) == [GEMINI]
    real = {"provider": "fault-gemini", "model": GEMINI}
    assert [(one or {})["lc_gateway_metadata"] for one in ends.infos] == [real, real]


@pytest.mark.parametrize("name", [GPT, CLAUDE, GEMINI])
def test_thoughts_are_content_blocks_whole_and_streamed(port: Harbour, name: str) -> None:
    wire: Any = name[:-2]
    port.server.script(name, [Answer("Noon.", reasoning="Let me see.")], wire=wire)
    model = ChatModelRouter(router=port.router, chain=(name,))
    for answer in (model.invoke("When?"), whole(list(model.stream("When?")))):
        kinds = [one["type"] for one in answer.content_blocks]
        assert kinds == ["reasoning", "text"]
        assert answer.content_blocks[0].get("reasoning") == "Let me see."
        assert answer.text == "Noon."


def test_signed_thoughts_go_back_to_their_own_provider_only(port: Harbour) -> None:
    call = ToolCall(id="toolu_1", name="high_tide", arguments={"port": "Kiel"})
    thinking = Answer(reasoning="I need the tide.", tool_calls=(call,))
    port.server.script(CLAUDE, [thinking, Answer("Soon.")], wire="anthropic")
    model = ChatModelRouter(router=port.router, chain=(CLAUDE,)).bind_tools([high_tide])
    history: list[Any] = [HumanMessage("When in Kiel?")]
    history.append(model.invoke(history))
    history.append(ToolMessage("09:05", tool_call_id="toolu_1"))
    assert model.invoke(history).text == "Soon."
    blocks = port.server.calls[-1].body["messages"][1]["content"]
    assert [one["type"] for one in blocks] == ["thinking", "tool_use"]
    assert blocks[0]["signature"]
    model.invoke(history, chosen(chain=(GPT,)))
    assert "I need the tide" not in json.dumps(port.server.calls[-1].body)


def test_a_conversation_names_the_model_it_runs_on(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router)
    first = model.invoke("hi", model=CLAUDE)
    answer = model.invoke([HumanMessage("hi"), first, HumanMessage("and now?")])
    decision = port.router.explain(answer.response_metadata["decision_id"])
    assert decision.request.current_model == CLAUDE
    stranger = AIMessage("yes", response_metadata={"model_name": "unheard-of"})
    answer = model.invoke([HumanMessage("hi"), stranger, HumanMessage("and now?")])
    decision = port.router.explain(answer.response_metadata["decision_id"])
    assert decision.request.current_model is None


def test_arguments_that_no_wire_carries_are_told(port: Harbour) -> None:
    answer = ChatModelRouter(router=port.router, chain=(GPT,)).invoke("hi", top_k=3)
    (warning,) = answer.response_metadata["router"]["warnings"]
    assert warning.startswith("top_k was left out")


def test_what_tells_models_apart_is_in_their_identity(port: Harbour) -> None:
    plain = ChatModelRouter(router=port.router)
    names = [
        one._get_llm_string()
        for one in (
            plain,
            ChatModelRouter(router=port.router, strategy="cost_first"),
            ChatModelRouter(router=port.router, targets=port.targets("openai")),
            ChatModelRouter(settings=port.settings.model_copy(update={"default_model": GPT})),
        )
    ]
    assert len(set(names)) == len(names)
    assert plain._get_llm_string(session="a") == plain._get_llm_string(session="b")


def test_tokens_are_counted_without_a_download(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router)
    assert 2 <= model.get_num_tokens("How deep is the sea?") <= 10
    assert model.get_num_tokens_from_messages([HumanMessage("How deep is the sea?")]) > 2
    with pytest.raises(NotImplementedError, match="no tokenizer"):
        model.get_token_ids("sea")
    own = ChatModelRouter(router=port.router, custom_get_token_ids=lambda text: [1] * len(text))
    assert own.get_num_tokens("sea") == len(own.get_token_ids("sea")) == 3


def test_structured_answers_come_in_every_way(port: Harbour) -> None:
    model = ChatModelRouter(router=port.router, chain=(GPT,))
    prompt = "Give me the tide of 'Kiel', 2.5 metres."
    for method in ("function_calling", "json_schema"):
        found = model.with_structured_output(Tide, method=method).invoke(prompt)  # type: ignore[arg-type]
        assert found == Tide(port="Kiel", metres=2.5)
    raw = model.with_structured_output(Tide, include_raw=True).invoke(prompt)
    assert (raw["parsed"], raw["parsing_error"]) == (Tide(port="Kiel", metres=2.5), None)
    assert isinstance(raw["raw"], AIMessage)
    with pytest.raises(ValueError, match="no method 'guess'"):
        model.with_structured_output(Tide, method="guess")  # type: ignore[arg-type]


def test_raw_output_says_what_could_not_be_parsed(port: Harbour) -> None:
    port.server.script(GPT, [Answer("not json")])
    model = ChatModelRouter(router=port.router, chain=(GPT,))
    structured = model.with_structured_output(Tide, include_raw=True, method="json_mode")
    found = structured.invoke("Give me a tide.")
    assert found["parsed"] is None
    assert found["parsing_error"] is not None


def test_a_tool_choice_that_names_no_tool_is_refused(port: Harbour) -> None:
    with pytest.raises(ValueError, match="names none of the tools: high_tide"):
        ChatModelRouter(router=port.router).bind_tools([high_tide], tool_choice="low_tide")


def test_the_profile_is_what_all_candidates_can_do(tmp_path: Path) -> None:
    with harbour(tmp_path) as port:
        models = {
            name: one.model_copy(update={"context": context, "rejects": rejects})
            for (name, one), context, rejects in zip(
                port.settings.models.items(),
                (64_000, 128_000, 32_000),
                (("temperature",), (), ()),
                strict=True,
            )
        }
        settings = port.settings.model_copy(update={"models": models})
        every = ChatModelRouter(settings=settings, constraints=Constraints(models=tuple(models)))
        assert every.profile is not None
        assert (every.profile["max_input_tokens"], every.profile["temperature"]) == (32_000, False)
        second = ChatModelRouter(settings=settings, chain=(list(models)[1],))
        assert second.profile is not None
        assert (second.profile["max_input_tokens"], second.profile["temperature"]) == (
            128_000,
            True,
        )


def test_closing_and_calling_again_opens_anew(port: Harbour) -> None:
    model = ChatModelRouter(settings=port.settings, chain=(GPT,))
    assert model.invoke("hi").text == echo("hi")
    model.close()
    assert model.invoke("ho").text == echo("ho")


def test_the_package_needs_no_more_than_langchain_core() -> None:
    code = (
        "import sys\nfrom langchain_mcp_router import ChatModelRouter, router_tools\n"
        "ChatModelRouter()\n"
        "sys.exit(bool({'langchain', 'langgraph', 'openai', 'anthropic', 'transformers'}"
        " & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
