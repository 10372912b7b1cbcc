"""`cache` says what kept answers hold and saved; `run --cache` gives one again, and says so."""

from __future__ import annotations

import re
from decimal import Decimal

from mcp_router.testing.behaviours import Answer
from tests.cli.conftest import Invoke
from tests.cli.faults import WHOLE, Faults

GOOD = Answer("The sea is calm today, and the light on it is a joy to see from every window.")


def test_a_second_run_is_a_kept_answer_and_says_so(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", GOOD, price={"input": 1, "output": 2})
    first, again = (invoke(*faults.line("--cache")) for _ in range(2))
    assert (again.code, again.out) == (0, first.out)
    assert re.fullmatch(r"calm \(fault-openai\), a kept answer, \$0, \d+ ms\.\n", again.err)
    assert len(faults.bodies()) == 1
    faults.assert_nothing_held()
    assert "Nobody was asked" in " ".join(invoke("explain").out.split())


def test_json_marks_a_kept_answer(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", GOOD)
    asked = faults.line("--cache", "--stream", "--json")
    assert [invoke(*asked).json["cached"] for _ in range(2)] == [False, True]
    told = invoke(*asked).json
    assert told["cost_usd"] == "0"
    assert told["attempts"][0]["outcome"] == "cache"


def test_without_a_wish_nothing_is_kept(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    for more in ((), ("--no-cache",)):
        assert invoke(*faults.line(*more)).out == f"{WHOLE}\n"
    assert invoke("cache", "--json").json["entries"] == 0


def test_no_cache_holds_against_the_settings(faults: Faults, invoke: Invoke) -> None:
    faults.more = {"cache": {"answers": True}}
    faults.serve("calm", GOOD)
    for more in ((), (), ("--no-cache",)):
        assert invoke(*faults.line(*more)).code == 0
    assert len(faults.bodies()) == 2


def test_near_is_a_way_of_the_cache(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", GOOD)
    refused = invoke(*faults.line("--near", "--no-cache"))
    assert (refused.code, faults.bodies()) == (2, [])
    assert invoke(*faults.line("--near")).code == 0
    line = ("run", "--config", str(faults.file), "Say something nice about the sea, please!")
    near = invoke(*line, "--chain", "all", "--near")
    assert "warning: an answer to a question in other words was kept on" in near.err
    assert len(faults.bodies()) == 1


def test_what_was_saved_is_counted_and_forgotten_on_request(faults: Faults, invoke: Invoke) -> None:
    faults.more = {"cache": {"answers": "exact", "answers_ttl": 7200}}
    faults.serve("calm", GOOD, price={"input": 1, "output": 2})
    cost = Decimal(invoke(*faults.line("--json")).json["cost_usd"])
    for _ in range(2):
        invoke(*faults.line())
    config = ("--config", str(faults.file))
    told = invoke("cache", "--json", *config).json
    assert (told["answers"], told["ttl_s"], told["entries"]) == ("exact", 7200, 1)
    assert (told["hits"], told["misses"], Decimal(told["saved_usd"])) == (2, 1, 2 * cost)
    page = invoke("cache", *config).out
    assert "2 of 3 (66.7%)" in page
    assert "2 h" in page
    assert invoke("cache", "clear", "--model", "calm", *config).out == "Forgot 1 kept answers.\n"
    assert invoke("cache", "--json", *config).json["hits"] == 2
    assert invoke("cache", "clear", "--json", *config).json == {"answers": 0}
    assert invoke("cache", "--json", *config).json["hits"] == 0


def test_a_model_that_does_not_exist_is_told(invoke: Invoke) -> None:
    refused = invoke("cache", "clear", "--model", "opuss")
    assert (refused.code, refused.out) == (1, "")
    assert "hint:" in refused.err
