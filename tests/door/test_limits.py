"""What a token may spend, have and do, enforced for all servers together; revoked at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mcp_router.testing.behaviours import Answer, Fault
from tests.door.house import HELLO, House, Served, until

CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m-a", "messages": HELLO}


def test_a_budget_of_a_token_holds_and_others_go_on(
    house: House, served: Served, secret: str
) -> None:
    poor = house.token("poor", daily_nanos=100)
    with served.client(poor) as client:
        openai = client.post(CHAT, json=BODY)
        anthropic = client.post("/v1/messages", json={**BODY, "max_tokens": 100})
    assert openai.status_code == 402
    assert openai.json()["error"]["code"] == "insufficient_quota"
    assert "token=poor day budget" in openai.json()["error"]["message"]
    assert (anthropic.status_code, anthropic.json()["error"]["type"]) == (402, "billing_error")
    with served.client(secret) as client:
        assert client.post(CHAT, json=BODY).status_code == 200


def test_a_budget_is_never_passed_however_many_call_at_once(own_house: House) -> None:
    own_house.serve("m-a", Answer("Yes.", header_delay=0.05))
    limit = 2_000_000
    secret = own_house.token(daily_nanos=limit)
    body = {**BODY, "max_tokens": 100}
    with own_house.started() as one, own_house.started() as other:

        def call(number: int) -> int:
            with (one, other)[number % 2].client(secret) as client:
                return client.post(CHAT, json=body).status_code

        with ThreadPoolExecutor(16) as pool:
            codes = list(pool.map(call, range(60)))
    assert set(codes) == {200, 402}
    spent = (
        "SELECT max(spent_nanos), max(reserved_nanos) FROM budget_tracking WHERE name LIKE 'to%'"
    )
    (found,) = own_house.rows(spent)
    assert 0 < found[0] <= limit
    assert found[1] == 0


def test_models_that_a_token_does_not_have_are_forbidden_and_not_listed(
    house: House, served: Served
) -> None:
    house.serve("x-a")
    house.more["chains"] = {"both": ["m-a", "x-a"]}
    house.write()
    narrow = house.token("narrow", models=("x-a",))
    with served.client(narrow) as client:
        listed = {one["id"] for one in client.get("/v1/models").json()["data"]}
        assert "x-a" in listed
        assert "m-a" not in listed
        assert client.post(CHAT, json=BODY).status_code == 403
        for model in ("auto", "both", "x-a"):
            answer = client.post(CHAT, json={**BODY, "model": model})
            assert answer.headers["x-router-model"] == "x-a"


def test_requests_per_minute_hold_across_servers(own_house: House) -> None:
    secret = own_house.token(requests_per_minute=3)
    with own_house.started() as one, own_house.started() as other:
        codes: list[int] = []
        for number in range(6):
            with (one, other)[number % 2].client(secret) as client:
                answer = client.post(CHAT, json=BODY)
                codes.append(answer.status_code)
    assert codes == [200, 200, 200, 429, 429, 429]
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["error"]["type"] == "rate_limit_error"


def test_tokens_per_minute_count_what_was_used(house: House, served: Served) -> None:
    secret = house.token("slow", tokens_per_minute=400)
    with served.client(secret) as client:
        asked = {**BODY, "max_tokens": 200}
        codes = [client.post(CHAT, json=asked).status_code for _ in range(3)]
        # What the short answers left is given back: only their real size counts.
        assert codes == [200, 200, 200]
        assert client.post(CHAT, json={**BODY, "max_tokens": 390}).status_code == 429
        # A call that fails counts for its prompt.
        house.serve("bad-a", Fault.http(400))
        failed = client.post(CHAT, json={**asked, "model": "bad-a"})
        assert failed.status_code >= 400
        assert client.post(CHAT, json={**BODY, "max_tokens": 150}).status_code == 200


def test_a_revoked_token_is_refused_everywhere_within_a_second(own_house: House) -> None:
    secret = own_house.token("leaked")
    with own_house.started() as one, own_house.started() as other:
        clients = [served.client(secret) for served in (one, other)]
        assert [client.get("/v1/models").status_code for client in clients] == [200, 200]
        assert own_house.run("token", "revoke", "leaked").returncode == 0
        began = time.monotonic()
        until(lambda: {c.get("/v1/models").status_code for c in clients} == {401})
        assert time.monotonic() - began < 1.0
        assert "invalid_token" in clients[0].get("/v1/models").headers["www-authenticate"]
        for client in clients:
            client.close()


def test_the_command_line_makes_lists_and_revokes(own_house: House) -> None:
    first = own_house.run("token", "list")
    assert "There is no token" in first.stdout
    made = own_house.run("token", "create", "ci", "--daily", "5", "--models", "m-a", "--rpm", "9")
    secret = made.stdout.strip()
    assert secret.startswith("mrt_")
    listed = own_house.run("token", "list", "--json").stdout
    assert '"daily_usd": "5"' in listed
    assert secret not in listed + own_house.run("token", "list", "--all").stdout
    assert secret not in str(own_house.rows("SELECT * FROM access_tokens"))
    assert own_house.run("token", "create", "ci").returncode == 1
    with own_house.started() as served, served.client(secret) as client:
        assert client.post(CHAT, json=BODY).status_code == 200
    assert own_house.run("token", "revoke", "ci").returncode == 0
    again = own_house.run("token", "revoke", "ci")
    assert (again.returncode, "hint:" in again.stderr) == (1, True)
    assert own_house.run("token", "create", "ci").returncode == 0


@pytest.mark.parametrize("name", ["a b", "x\ny", "'; --", "a=b", "é", "-x" * 2, "n" * 65, ""])
def test_names_of_tokens_are_plain(own_house: House, name: str) -> None:
    refused = own_house.run("token", "create", "--", name)
    assert refused.returncode in (1, 2)
    assert "mrt_" not in refused.stdout


def test_without_any_token_the_way_to_one_is_told(own_house: House) -> None:
    with own_house.started() as served:
        with served.client() as client:
            assert client.get("/v1/models").status_code == 401
        until(lambda: "mcp-router token create" in served.logged())


def test_too_many_at_once_are_sent_away(own_house: House) -> None:
    own_house.http = {"max_requests": 2}
    own_house.serve("m-a", Fault.silence())
    secret = own_house.token()
    with own_house.started() as served, ThreadPoolExecutor(2) as pool:

        def wait() -> None:
            with served.client(secret) as client, pytest.raises(Exception, match="timed out"):
                client.post(CHAT, json=BODY, timeout=2.0)

        waiting = [pool.submit(wait) for _ in range(2)]
        until(lambda: len(own_house.faults.calls) == 2)
        with served.client(secret) as client:
            full = client.post(CHAT, json=BODY)
            assert (full.status_code, full.headers["retry-after"]) == (503, "1")
            assert client.get("/healthz").status_code == 200
        for one in waiting:
            one.result()
        with served.client(secret) as client:
            until(lambda: client.get("/v1/models").status_code == 200)
