"""`eval` says what is saved on recorded outcomes, and says so when nothing is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_router.evaluation.outcomes import Row
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
        "ours",
        "best single model",
        "cheapest",
        "random mix",
        "length only",
        "oracle",
    ]
    assert ours["saved"]["low"] > 0.35
    page = invoke("eval", file).out
    assert f"{100 * ours['saved']['value']:.1f} % (" in page.splitlines()[0]
    assert "the best single model is dear" in " ".join(page.split())


def test_it_admits_that_nothing_is_saved(home: Path, invoke: Invoke) -> None:
    file = saved_as(home / "o.jsonl", rows(300, chances=HOPELESS))
    assert invoke("eval", file, "--json").json["verdict"] == "nothing"
    assert invoke("eval", file).out.startswith("Nothing is saved for certain: ")


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
