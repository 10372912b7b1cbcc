"""`learn` shows what was learnt, and stops, undoes and restores it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Invoke


def test_before_anything_was_judged_it_says_what_is_missing(invoke: Invoke) -> None:
    result = invoke("learn")
    assert result.code == 0
    assert "The words of prompts count after 100 more judged answers." in result.out
    assert "Trying models   off: no allowance is set" in result.out
    assert "explore_usd_per_day" in result.err


def test_the_document_tells_the_same(invoke: Invoke) -> None:
    invoke("route", "Fix the bug")
    invoke("feedback", "--good")
    found = invoke("learn", "--json").json
    assert (found["active"], found["judged"], found["needed"]) == (True, 1, 100)
    assert (found["pairs"], found["switches"], found["saved_usd"]) == ([], [], "0")


def test_it_is_switched_off_and_on_again(invoke: Invoke) -> None:
    off = invoke("learn", "--off")
    assert "off: no decision is changed by it" in off.out
    assert "mcp-router learn --on" in off.err
    assert invoke("learn", "--report", "--json").json["active"] is False
    assert invoke("learn", "--on", "--json").json["active"] is True
    kinds = [one["kind"] for one in invoke("learn", "--report", "--json").json["events"]]
    assert kinds == ["on", "off"]


def test_everything_is_undone_and_restored(invoke: Invoke) -> None:
    assert invoke("learn", "--undo").code == 0
    told = invoke("learn", "--redo").out
    assert "undone: everything, by hand." in told
    assert "restored: everything, by hand." in told


def test_a_task_that_was_never_switched_cannot_be_undone(invoke: Invoke) -> None:
    result = invoke("learn", "--undo", "debugging")
    assert result.code == 0
    assert "There was nothing to undo for debugging." in result.err


@pytest.mark.parametrize("line", [("debugging",), ("--on", "--off"), ("--undo", "--report")])
def test_one_thing_is_done_at_a_time(line: tuple[str, ...], invoke: Invoke) -> None:
    result = invoke("learn", *line)
    assert (result.code, result.out) == (2, "")
