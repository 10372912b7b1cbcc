"""The same task with the same wishes gets the same decision through every face."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.types import TextContent

from langchain_mcp_router import ChatModelRouter, router_tools
from mcp_router.cli.main import run
from mcp_router.cli.served import ServedLines
from mcp_router.cli.session import Session
from mcp_router.errors import RouterError
from mcp_router.server.app import build_server
from mcp_router.testing import FaultServer
from mcp_router.types import Constraints, Strategy
from tests.builders import NOW

SAME = ("model", "provider", "task_type", "complexity", "strategy", "reason", "fallbacks")
SETTINGS = """\
[budget]
daily = 0.5
[chains]
mine = ["sonnet", "gpt"]
"""
RELAXED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

RELAXED_RUNS = settings(RELAXED, max_examples=8)


class Wish(NamedTuple):
    """A task and what is asked of the model, in the words of the tool."""

    prompt: str
    arguments: dict[str, Any]


OPTIONS = {
    "strategy": "--strategy",
    "max_cost_usd": "--max-cost",
    "max_latency_ms": "--max-latency",
    "min_quality": "--min-quality",
    "requires": "--requires",
    "context_tokens": "--context-tokens",
    "models": "--models",
}
PROMPTS = st.one_of(
    st.sampled_from(
        [
            "Fix the login bug",
            "Prove that the square root of 2 is irrational.",
            "Translate to French: good morning, don't be late",
            'Why does "git log --oneline" fail?\n\n    def f():\n        pass',
            "写一首关于秋天的诗。",
            "--json is ignored by our parser; fix it",
        ]
    ),
    # A lone - means standard input in a terminal, and blanks at the ends say nothing.
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=60)
    .map(str.strip)
    .filter(lambda text: text not in ("", "-")),
)
WISHES = st.builds(
    Wish,
    PROMPTS,
    st.fixed_dictionaries(
        {},
        optional={
            "strategy": st.sampled_from(
                ["balanced", "quality_first", "cost_first", "latency_first"]
            ),
            "max_cost_usd": st.sampled_from(["0", "0.0001", "0.01", "1"]),
            "max_latency_ms": st.sampled_from([1, 3_000, 60_000]),
            "min_quality": st.sampled_from([0.0, 0.7, 0.95, 1.0]),
            "requires": st.sampled_from([["tools"], ["vision", "json"], ["coding"]]),
            "context_tokens": st.sampled_from([0, 5_000, 900_000]),
            "models": st.sampled_from([["opus"], ["haiku", "gpt"], ["nosuch"]]),
        },
    ),
)
Answer = dict[str, Any] | str
Face = Callable[[Session, Wish], Answer]


def short(decision: dict[str, Any]) -> dict[str, Any]:
    found = {name: decision[name] for name in SAME}
    return found | {"estimated_cost_usd": decision["estimated"].get("cost_usd")}


def python(session: Session, wish: Wish) -> Answer:
    given = dict(wish.arguments)
    strategy, context = given.pop("strategy", None), given.pop("context_tokens", None)
    if "max_cost_usd" in given:
        given["max_cost_usd"] = Decimal(given["max_cost_usd"])
    with session.router() as router:
        try:
            decision = router.route(
                wish.prompt,
                strategy=strategy,
                constraints=Constraints.model_validate(given),
                context_tokens=context,
            )
        except RouterError as error:
            return error.message
    return short(decision.model_dump(mode="json"))


def options(wish: Wish) -> list[str]:
    words = list[str]()
    for name, value in wish.arguments.items():
        words += [OPTIONS[name], ",".join(value) if isinstance(value, list) else str(value)]
    return words


def terminal(args: list[str], *, session: Session, capsys: pytest.CaptureFixture[str]) -> Answer:
    capsys.readouterr()
    code = run(args, session=session)
    out, err = capsys.readouterr()
    return short(json.loads(out)) if code == 0 else refusal(err)


def refusal(told: str) -> str:
    return next(x for x in told.splitlines() if x.startswith("error: ")).removeprefix("error: ")


def tool(session: Session, wish: Wish) -> Answer:
    async def call() -> Answer:
        async with Client(build_server(session.router)) as client:
            result = await client.call_tool("route", {"prompt": wish.prompt, **wish.arguments})
        if result.is_error:
            return "".join(x.text for x in result.content if isinstance(x, TextContent))
        assert result.structured_content is not None
        return short({"fallbacks": [], **result.structured_content})

    return anyio.run(call)


def line_of(wish: Wish) -> str:
    return " ".join(["/model route", *options(wish), "--json --", wish.prompt])


def prompt(session: Session, wish: Wish) -> Answer:
    async def call() -> str:
        server = build_server(session.router, lines=ServedLines(session))
        async with Client(server) as client:
            result = await client.get_prompt("model", {"line": line_of(wish)})
        content = result.messages[0].content
        assert isinstance(content, TextContent)
        return content.text

    text = anyio.run(call)
    if "could not do it" in text.splitlines()[0]:
        return refusal(text)
    return short(json.loads(text[text.index("{") : text.rindex("}") + 1]))


def langchain(session: Session, wish: Wish) -> Answer:
    with session.router() as router:
        route = next(one for one in router_tools(router=router) if one.name == "route")
        given = {"prompt": wish.prompt, **wish.arguments}
        said = route.invoke({"type": "tool_call", "id": "c", "name": "route", "args": given})
    return said.text if said.status == "error" else short(said.artifact.model_dump(mode="json"))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    file = tmp_path / "settings.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    environ = {"ROUTING_DB": str(tmp_path / "router.db"), "OPENAI_API_KEY": "sk-test", "TZ": "UTC"}
    return Session(config=file, environ=environ, clock=lambda: NOW)


def agrees(found: Answer, expected: Answer) -> bool:
    if isinstance(expected, str) and isinstance(found, str):
        # A terminal shows signs that would steer it as escapes; a tool adds the next step.
        return found.startswith(expected[:40]) or expected.startswith(found[:40])
    return found == expected


@RELAXED
@given(wish=WISHES)
def test_every_face_gives_the_decision_of_the_library(
    session: Session, capsys: pytest.CaptureFixture[str], wish: Wish
) -> None:
    expected = python(session, wish)
    args = ["route", *options(wish), "--json"]
    faces: dict[str, Answer] = {
        "terminal": terminal([*args, "--", wish.prompt], session=session, capsys=capsys),
        "line": terminal(["model", line_of(wish)], session=session, capsys=capsys),
        "tool": tool(session, wish),
        "prompt": prompt(session, wish),
        "langchain": langchain(session, wish),
    }
    assert {name: found for name, found in faces.items() if not agrees(found, expected)} == {}, (
        expected
    )


@RELAXED
@given(task=PROMPTS)
def test_every_face_judges_a_task_alike(
    session: Session, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    with session.router() as router:
        expected = router.classify(task).model_dump(mode="json")
    for args in (["classify", "--json", "--", task], ["model", f"classify --json -- {task}"]):
        capsys.readouterr()
        assert run(args, session=session) == 0
        assert json.loads(capsys.readouterr().out) == expected
    answer = ServedLines(session).answer(f"classify --json -- {task}")
    assert json.loads(answer.text) == expected


MODELS = ("first", "second", "third")
RUNS = st.tuples(
    st.sampled_from(["Fix the login bug", "Prove that 2 is prime.", "写一首关于秋天的诗。"]),
    st.sampled_from(["balanced", "quality_first", "cost_first", "latency_first"]),
    st.sampled_from([(), ("second", "third", "first"), ("third",)]),
)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Session]:
    """A session whose three models differ in price and quality, and all answer."""
    with FaultServer.run_in_thread() as server:
        for name in MODELS:
            server.script(name, [])
        own = server.settings()
        for at, name in enumerate(MODELS):
            price = {"input": 1.0 + 4 * at, "output": 2.0 + 9 * at}
            own["models"][name] |= {"price": price, "quality": 0.6 + at / 8}
        # What one face has observed must not change what the next one decides.
        own |= {"learning": {"enabled": False}, "cache": {"enabled": False}}
        file = tmp_path / "settings.json"
        file.write_text(json.dumps(own), encoding="utf-8")
        environ = {"ROUTING_DB": str(tmp_path / "router.db"), "TZ": "UTC"}
        yield Session(config=file, environ=environ, clock=lambda: NOW)


def executed(session: Session, task: tuple[str, str, tuple[str, ...]]) -> dict[str, str]:
    """Carry a task out through each face, and give the id of its decision."""
    text, strategy, chain = task
    words = ["run", text, "--strategy", strategy, "--json"]
    words += ["--chain", ",".join(chain)] if chain else []

    async def tool() -> str:
        given = {"prompt": text, "strategy": strategy} | ({"chain": list(chain)} if chain else {})
        async with Client(build_server(session.router)) as client:
            result = await client.call_tool("execute_with_fallback", given)
        footer = "".join(x.text for x in result.content if isinstance(x, TextContent))
        return re.findall(r"dec_[0-9a-f]{16}", footer)[-1]

    async def library() -> str:
        async with session.router() as router:
            return (await router.execute(text, strategy=strategy, chain=chain)).decision_id

    with session.router() as router:
        model = ChatModelRouter(router=router, strategy=Strategy(strategy), chain=chain)
        said = model.invoke(text).response_metadata["decision_id"]
        model.close()
    assert run(words, session=session) == 0
    return {"tool": anyio.run(tool), "library": anyio.run(library), "langchain": said}


@RELAXED_RUNS
@given(task=RUNS)
def test_every_face_carries_a_task_out_on_the_same_decision(
    serving: Session, capsys: pytest.CaptureFixture[str], task: tuple[str, str, tuple[str, ...]]
) -> None:
    capsys.readouterr()
    ids = executed(serving, task)
    ids["terminal"] = json.loads(capsys.readouterr().out)["decision_id"]

    with serving.router() as router:
        made = {face: router.explain(one).model_dump(mode="json") for face, one in ids.items()}
    assert len(set(ids.values())) == 4
    found = {face: short(decision) for face, decision in made.items()}
    assert all(one == found["library"] for one in found.values()), found
