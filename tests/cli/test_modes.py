"""`run --mode` has several models share a task, and shows what each of them said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mcp_router.cli.modes import MODES, RESOLVES
from mcp_router.testing.behaviours import Answer
from mcp_router.types import Mode, Resolve
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults

GOOD = "The sea is calm today, and the light on it is a joy to see from every window of the house."
POOR = "I'm sorry, but I cannot help with that request."


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_words_are_those_of_the_library() -> None:
    assert tuple(Mode) == MODES
    assert tuple(Resolve) == RESOLVES


def test_a_cascade_answers_on_stdout_and_tells_its_way_on_stderr(
    faults: Faults, invoke: Invoke
) -> None:
    faults.serve("cheap", Answer(POOR))
    faults.serve("good", Answer(GOOD))
    result = invoke(*faults.line("--mode", "cascade"))
    assert (result.code, result.out) == (0, f"{GOOD}\n")
    assert "Cascade: cheap → good: good answered with confidence" in " ".join(result.err.split())
    assert "not good enough" in result.err
    assert "2 attempts" in result.err
    assert max(map(len, result.err.splitlines()[:-1])) <= 80
    faults.assert_nothing_held()


def test_json_holds_every_answer(faults: Faults, invoke: Invoke) -> None:
    for name, said in (("a", "51"), ("b", "41"), ("c", "51")):
        faults.serve(name, Answer(said))
    line = faults.line("--mode", "ensemble", "--json")
    result = invoke(*line)
    assert result.err == ""
    assert result.json["mode"] == "ensemble"
    assert [one["content"] for one in result.json["answers"]] == ["51", "41", "51"]
    assert [one["won"] for one in result.json["answers"]].count(True) == 1
    assert result.json["agreement"] > 0.6
    total = sum(Decimal(one["cost_usd"]) for one in result.json["attempts"])
    assert Decimal(result.json["cost_usd"]) == total


def test_a_chain_is_asked_whole(faults: Faults, invoke: Invoke) -> None:
    for name in ("a", "b", "c", "d"):
        faults.serve(name, Answer(GOOD))
    result = invoke(*faults.line("--mode", "ensemble", "--json"))
    assert len(result.json["answers"]) == 4
    fewer = invoke(*faults.line("--mode", "ensemble", "--n", "2", "--json"))
    assert len(fewer.json["answers"]) == 2


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        (("--threshold", "0.5"), "--mode cascade or redundant"),
        (("--mode", "redundant", "--judge", "a"), "--judge needs --mode cascade or ensemble"),
        (("--mode", "cascade", "--deadline", "3"), "--deadline needs --mode ensemble"),
        (("--mode", "ensemble", "--no-hedge"), "--hedge needs --mode redundant"),
        (("--mode", "swarm"), "swarm"),
        (("--mode", "ensemble", "--n", "11"), "11"),
    ],
)
def test_an_option_that_does_not_fit_the_mode_is_bad_usage(
    line: tuple[str, ...], needs: str, faults: Faults, invoke: Invoke
) -> None:
    faults.serve("a", Answer(GOOD))
    result = invoke(*faults.line(*line))
    assert (result.code, result.out) == (2, "")
    assert needs in " ".join(result.err.split())
    assert faults.server.calls == ()


def test_what_is_chosen_among_whole_answers_is_not_streamed(faults: Faults, invoke: Invoke) -> None:
    faults.serve("a", Answer(GOOD))
    result = invoke(*faults.line("--mode", "redundant", "--stream"))
    assert (result.code, result.out) == (1, "")
    assert "hint: Leave streaming out" in result.err
    assert faults.server.calls == ()


def test_a_threshold_of_nothing_takes_any_answer(faults: Faults, invoke: Invoke) -> None:
    faults.serve("a", Answer(POOR))
    faults.serve("b", Answer(GOOD))
    result = invoke(*faults.line("--mode", "cascade", "--threshold", "0"))
    assert result.out == f"{POOR}\n"
