"""`eval` says what is saved on recorded outcomes, and says so when nothing is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_router.evaluation.outcomes import Row
from mcp_router.types import TaskType
from tests.cli.conftest import Invoke
from tests.evaluation.pools import rows

DIVIDED = {"dear": {"law": 0.9, "code": 0.9}, "cheap": {"law": 0.1, "code": 0.9}}
HOPELESS = {"dear": {"law": 0.9, "code": 0.9}, "cheap": {"law": 0.2, "code": 0.2}}


def saved_as(path: Path, made: Sequence[Row], **changes: Any) -> str:
    lines = [json.dumps({**one.model_dump(mode="json"), **changes}) for one in made]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_it_shows_what_is_saved_beside_the_policies_to_beat(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(600, chances=DIVIDED))
    found = invoke("eval", file, "--json").json
    ours = found["policies"][0]
    assert [one["policy"] for one in found["policies"]] == [
        "learner",
        "best single model",
        "cheapest",
        "random mix",
        "length only",
        "oracle",
    ]
    assert ours["saved"]["low"] > 0.3
    page = invoke("eval", file).out
    assert f"{100 * ours['saved']['value']:.1f} % (" in page.splitlines()[0]
    assert "the best single model is dear" in " ".join(page.split())


def test_it_admits_that_nothing_is_saved(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(300, chances=HOPELESS))
    assert invoke("eval", file, "--json").json["verdict"] == "nothing"
    assert invoke("eval", file).out.startswith("The learner saves nothing for certain: ")


def test_a_seed_draws_other_halves(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(200, chances=DIVIDED))
    one = invoke("eval", file, "--json", "--seed", "1").json
    assert invoke("eval", file, "--json", "--seed", "1").json == one
    assert invoke("eval", file, "--json", "--seed", "2").json["policies"] != one["policies"]


def test_prices_come_from_the_file_before_the_catalogue(home: Path, invoke: Invoke) -> None:
    counted = {"haiku": [1000, 100], "sonnet": [1000, 100], "mine": [1000, 100]}
    scores = {"haiku": 0.5, "sonnet": 1.0, "mine": 0.7}
    file = saved_as(
        home / "o.jsonl", rows(40, chances=DIVIDED), costs={}, tokens=counted, scores=scores
    )
    alone = invoke("eval", file, "--json")
    assert set(alone.json["models"]) == {"haiku", "sonnet"}
    assert alone.json["left_out"] == ["mine"]
    assert "left out: mine." in invoke("eval", file).err
    prices = home / "prices.json"
    prices.write_text('{"mine": {"input": 2, "output": 10}, "haiku": {"input": 0, "output": 0}}')
    found = invoke("eval", file, "--prices", str(prices), "--json").json["models"]
    assert found["mine"]["cost"] == pytest.approx(0.003)
    assert found["haiku"]["cost"] == 0
    assert found["sonnet"]["cost"] == pytest.approx(alone.json["models"]["sonnet"]["cost"])
    assert found["sonnet"]["cost"] > 0


@pytest.mark.parametrize(
    "text", ["", "[", '{"cheap": 3}', '{"cheap": {"input": -1, "output": 1}}', "\ud800"]
)
def test_prices_that_are_none_are_refused(text: str, home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(20, chances=DIVIDED))
    prices = home / "prices.json"
    prices.write_bytes(text.encode("utf-8", "surrogatepass"))
    result = invoke("eval", file, "--prices", str(prices))
    assert result.code == 1
    assert result.err.startswith("error: prices: prices.json cannot be read as prices.")


def test_a_file_that_is_not_there_is_one_plain_sentence(invoke: Invoke) -> None:
    result = invoke("eval", "nowhere.jsonl")
    assert result.code == 1
    assert result.err.startswith("error: outcomes: nowhere.jsonl cannot be read")


def test_without_a_file_it_shows_a_sample_of_real_outcomes_at_once(invoke: Invoke) -> None:
    page = invoke("eval", "--splits", "1").out
    assert "A sample of ulab-uiuc/LLMRouter" in page
    assert "best single" in page
    assert "Predicted quality" in page
    assert max(map(len, page.splitlines())) <= 80


def test_any_model_can_be_judged_and_any_two_can_be_the_pair(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(200, chances=DIVIDED))
    found = invoke(
        "eval", file, "--policy", "cheap", "--pair", "cheap,dear", "--splits", "1", "--json"
    ).json
    assert found["policies"][0]["policy"] == "cheap"
    assert (found["pair"]["strong"], found["pair"]["weak"]) == ("cheap", "dear")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--policy", "nobody"], 1, "'nobody' is no policy"),
        (["--pair", "cheap"], 2, "--pair takes two of: cheap, dear"),
        (["--pair", "cheap,nobody"], 2, "--pair takes two of"),
        (["--models", "nobody"], 1, "'nobody' was not judged"),
        (["--sample", "llmrouter"], 2, "not both"),
        (["--history"], 2, "takes no file"),
        (["--policy", "present"], 1, "know fewer than two of the models"),
    ],
)
def test_what_cannot_be_done_is_said(
    more: list[str], code: int, said: str, home: Path, invoke: Invoke
) -> None:
    file = saved_as(home / "o.jsonl", rows(60, chances=DIVIDED))
    done = invoke("eval", file, *more)
    assert done.code == code
    assert said in done.err
    assert not done.out


def test_a_settings_file_is_a_policy(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(60, chances=DIVIDED))
    always = """
        [chains]
        [providers.mine]
        wire = "openai"
        base_url = "http://127.0.0.1:9/v1"
        [models.cheap]
        provider = "mine"
        id = "cheap"
        context = 100000
        price = { input = 1.0, output = 1.0 }
        [models.dear]
        provider = "mine"
        id = "dear"
        context = 100000
        price = { input = 9.0, output = 9.0 }
        [constraints]
        deny_models = ["dear"]
    """
    (home / "rule.toml").write_text(always, encoding="utf-8")
    found = invoke("eval", file, "--policy", "rule.toml", "--splits", "1", "--json").json
    assert found["policies"][0]["policy"] == "rule"
    assert found["policies"][0]["saved"]["value"] == pytest.approx(0.9)


def test_a_rule_needs_prompts(home: Path, invoke: Invoke) -> None:
    made = [one.model_copy(update={"prompt": "", "words": 8}) for one in rows(60, chances=DIVIDED)]
    file = saved_as(home / "o.jsonl", made)
    (home / "rule.toml").write_text(
        '[providers.mine]\nwire = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'
        + "".join(
            f'[models.{one}]\nprovider = "mine"\nid = "{one}"\ncontext = 9999\n'
            for one in ("cheap", "dear")
        ),
        encoding="utf-8",
    )
    done = invoke("eval", file, "--policy", "rule.toml")
    assert done.code == 1
    assert "a rule needs the prompts" in done.err


def test_task_types_and_latencies_are_told_where_the_file_has_them(
    home: Path, invoke: Invoke
) -> None:
    made = [
        one.model_copy(
            update={
                "prompt": f"Translate sentence {at} into French.",
                "task_type": TaskType("translation" if at % 3 else "chat"),
                "latency_ms": {"dear": 2000.0, "cheap": 400.0},
            }
        )
        for at, one in enumerate(rows(60, chances=DIVIDED))
    ]
    file = saved_as(home / "o.jsonl", made)
    page = invoke("eval", file, "--splits", "1").out
    assert "Task types: 66.7% right" in page
    assert "Latency, cheapest" in page
    found = invoke("eval", file, "--splits", "1", "--json").json
    assert found["task_types"]["counts"]["chat"] == {"translation": 20}
    assert found["latency_ms"]["cheapest"] == {"p50": 400.0, "p95": 400.0}


def test_the_page_holds_the_same_and_needs_no_network(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "<o>.jsonl", rows(120, chances=DIVIDED))
    assert invoke("eval", file, "--splits", "1", "--html", "eval.html").out == "eval.html\n"
    page = (home / "eval.html").read_text(encoding="utf-8")
    for said in ("Cost and quality", "Predicted quality", "best single model", "&lt;o&gt;.jsonl"):
        assert said in page
    assert "<o>.jsonl" not in page
    assert "default-src 'none'" in page.replace("&#x27;", "'")


def test_repeated_ids_and_one_lonely_row_are_no_defect(home: Path, invoke: Invoke) -> None:
    made = [one.model_copy(update={"id": "same"}) for one in rows(40, chances=DIVIDED)]
    assert invoke("eval", saved_as(home / "o.jsonl", made), "--splits", "1").code == 0
    done = invoke("eval", saved_as(home / "one.jsonl", made[:1]))
    assert done.code == 1
    assert "needs 10 requests" in done.err


def test_rows_that_are_all_alike_leave_nothing_to_learn_from(home: Path, invoke: Invoke) -> None:
    alike = [rows(1, chances=DIVIDED)[0]] * 40
    done = invoke("eval", saved_as(home / "o.jsonl", alike), "--splits", "1")
    assert done.code == 1
    assert "of the same words" in done.err


def test_without_judged_decisions_the_history_is_not_enough(home: Path, invoke: Invoke) -> None:
    done = invoke("eval", "--history")
    assert done.code == 1
    assert "not enough evidence" in done.err
    assert "mcp-router feedback" in done.err


def test_the_own_history_is_judged_by_what_was_decided_and_judged(
    home: Path, invoke: Invoke
) -> None:
    for at in range(40):
        decided = invoke("route", f"Fix bug {at} in the login page", "--json").json
        word = "--good" if at % 4 else "--bad"
        assert invoke("feedback", word, decided["decision_id"]).code == 0
    found = invoke("eval", "--history", "--json").json
    assert found["judged_decisions"] == 40
    was = next(one for one in found["policies"] if one["policy"] == "as it was")
    assert was["quality"] == pytest.approx(0.75)
    assert was["saved"] == {"value": 0, "low": 0, "high": 0}
    page = invoke("eval", "--history").out
    assert "40 judged decisions" in page
    assert max(map(len, page.splitlines())) <= 80
    present = invoke("eval", "--history", "--policy", "present", "--json").json
    assert present["policies"][0]["policy"] == "rule"
    never = decided["candidates"][-1]["model"]
    found = invoke("eval", "--history", "--policy", never, "--json").json
    assert found["verdict"] == "not enough evidence"
    assert found["policies"][0]["enough_evidence"] is False
