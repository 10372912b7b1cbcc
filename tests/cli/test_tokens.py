"""`token` makes tokens that are shown once, lists what they may do and spent, and revokes them."""

from __future__ import annotations

import re

from tests.cli.conftest import Invoke


def test_a_token_is_shown_once_and_listed_without_its_secret(invoke: Invoke) -> None:
    made = invoke("token", "create", "ci", "--daily", "5", "--expires", "30", "--json").json
    assert re.fullmatch(r"mrt_[\w-]{43}", made["token"])
    assert (made["state"], made["daily_usd"]) == ("in force", "5")
    listed = invoke("token", "list", "--json")
    assert made["token"] not in listed.out
    (one,) = listed.json["tokens"]
    assert (one["state"], one["spent_today_usd"], one["spent_this_month_usd"]) == (
        "in force",
        "0",
        "0",
    )
    page = invoke("token", "list").out
    assert "ci" in page
    assert made["token"] not in page


def test_a_revoked_token_is_listed_on_request_and_its_name_is_free(invoke: Invoke) -> None:
    invoke("token", "create", "ci")
    assert invoke("token", "revoke", "ci").code == 0
    assert invoke("token", "list", "--json").json == {"tokens": []}
    (one,) = invoke("token", "list", "--all", "--json").json["tokens"]
    assert one["state"] == "revoked"
    assert invoke("token", "create", "ci").code == 0


def test_a_name_that_is_taken_or_none_is_refused_in_one_sentence(invoke: Invoke) -> None:
    invoke("token", "create", "ci")
    for name, said in (("ci", "'ci' is taken"), ("a b", "'a b' is no name for a token")):
        result = invoke("token", "create", name)
        assert (result.code, result.out) == (1, "")
        assert result.err.splitlines()[0] == f"error: name: {said}."
        assert "hint: " in result.err


def test_alone_it_shows_its_help(invoke: Invoke) -> None:
    assert invoke("token") == invoke("token", "--help")
