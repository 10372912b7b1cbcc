"""`feedback` records what a person thought, of the latest answer unless another is named."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Invoke
from tests.cli.faults import Faults

QUERY = "SELECT decision_id, ok, score, note, model FROM routing_outcomes WHERE source = 'feedback'"


@pytest.mark.parametrize(
    ("line", "ok", "score"),
    [
        (("--good",), True, None),
        (("--bad",), False, None),
        (("--score", "0.9"), True, 0.9),
        (("--score", "0.49"), False, 0.49),
        (("--score", "0"), False, 0.0),
    ],
)
def test_the_latest_answer_is_judged(
    line: tuple[str, ...], ok: bool, score: float | None, faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm")
    decision = invoke(*faults.line("--json")).json["decision_id"]
    result = invoke("feedback", *line, "--note", "so so")
    assert result.code == 0
    assert result.out.startswith("Recorded.\n")
    assert decision in result.out
    ((found, good, value, note, model),) = faults.rows(QUERY)
    assert (found, bool(good), value, note, model) == (decision, ok, score, "so so", "calm")


def test_an_earlier_one_is_judged_by_its_id(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    first = invoke(*faults.line("--json")).json["decision_id"]
    invoke("route", "Something else")
    outcome = invoke("feedback", first, "--good", "--json").json
    assert (outcome["decision_id"], outcome["ok"], outcome["source"]) == (first, True, "feedback")


@pytest.mark.parametrize(
    "line", [(), ("--good", "--bad"), ("--good", "--score", "1"), ("--score", "2")]
)
def test_one_verdict_is_needed(line: tuple[str, ...], invoke: Invoke) -> None:
    invoke("route", "Fix the bug")
    result = invoke("feedback", *line)
    assert (result.code, result.out) == (2, "")


def test_what_was_never_decided_cannot_be_judged(invoke: Invoke) -> None:
    result = invoke("feedback", "--good")
    assert (result.code, result.err.splitlines()[0]) == (1, "error: Nothing is decided yet.")
    invoke("route", "Fix the bug")
    assert "No decision 'dec_nosuch' is stored" in invoke("feedback", "dec_nosuch", "--good").err
